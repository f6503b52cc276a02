import type { Knex } from "knex";
import type { Dialect } from "../database.ts";
import type { Migration } from "../migration.ts";

export const revision = "2026-11-26.1";

/** Companies, their API keys, their customers with search and audit trail, idempotency keys and rate limits. */
export const up: Migration["up"] = (schema, dialect) => {
  const tables = createTables(schema, dialect);
  return dialect === "sqlite"
    ? addSqliteAudit(addSqliteSearch(tables))
    : addPostgresAudit(addPostgresSearch(addRateLimits(tables)));
};

function createTables(schema: Knex.SchemaBuilder, dialect: Dialect): Knex.SchemaBuilder {
  return (
    schema
      .createTable("companies", (table) => {
        table.uuid("id").primary();
        table.text("slug").notNullable().unique();
        table.bigInteger("created_at").notNullable();
        // None of its keys works while this is set.
        table.bigInteger("blocked_at");
      })
      // Slugs that differ in case only would be mistaken for each other.
      .raw("create unique index companies_slug_lower on companies (lower(slug))")
      .createTable("api_keys", (table) => {
        table.uuid("id").primary();
        table.uuid("company_id").notNullable().references("companies.id");
        table.text("name").notNullable();
        table.text("prefix").notNullable();
        // The key itself is never stored.
        table.text("sha256").notNullable().unique();
        table.text("scopes").notNullable();
        table.bigInteger("created_at").notNullable();
        table.bigInteger("expires_at");
        table.bigInteger("last_used_at");
        table.bigInteger("revoked_at");
        // A limit of its own, instead of that of the server.
        table.integer("requests_per_minute");
      })
      // The audit trail of the operator: keys, companies and erased customers.
      .createTable("operator_entries", (table) => {
        // A UUIDv7: in the order of time.
        table.uuid("id").primary();
        table.uuid("company_id").notNullable().references("companies.id");
        table.bigInteger("changed_at").notNullable();
        table.text("changed_by").notNullable();
        table.text("action").notNullable();
        // The id of the key, company or customer.
        table.uuid("subject_id").notNullable();
        table.index(["company_id", "id"]);
      })
      .createTable("customers", (table) => {
        // SQLite's rowid, in the order of the ids, so that the index of the search is in that order too.
        if (dialect === "sqlite") table.specificType("position", "integer primary key");
        table.uuid("company_id").notNullable().references("companies.id");
        // A UUIDv7 whose time is that of the creation: the order of the ids is the order of the list.
        table.uuid("id").notNullable();
        table.text("email").notNullable();
        table.text("name");
        // The name as a search compares it; an email needs no such copy, as it is in lower case.
        table.text("folded_name");
        table.text("status").notNullable();
        table.text("notes");
        table.double("credit_limit");
        table.double("tax_rate_override");
        table.boolean("email_verified").notNullable();
        // Milliseconds since 1970. Every change moves it: the ETag is made of it.
        table.bigInteger("updated_at").notNullable();
        // Who writes, for the audit trail.
        table.text("changed_by");
        if (dialect === "sqlite") {
          table.specificType("search_text", `text generated always as (${sqliteSearchText}) virtual`);
          table.unique(["company_id", "id"]);
        } else table.primary(["company_id", "id"]);
        table.unique(["company_id", "email"]);
        table.index(["company_id", "status", "id"]);
        for (const [name, condition] of Object.entries(customerChecks(dialect)))
          table.check(condition, [], `customers_${name}_check`);
      })
      .createTable("idempotency_keys", (table) => {
        table.uuid("company_id").notNullable().references("companies.id");
        table.text("key").notNullable();
        table.text("body_sha256").notNullable();
        table.uuid("customer_id").notNullable();
        table.bigInteger("created_at").notNullable().index();
        table.primary(["company_id", "key"]);
      })
  );
}

/** What other programs that write customers must keep to, as far as SQL can express it. */
function customerChecks(dialect: Dialect): Record<string, string> {
  const timeOfId =
    dialect === "sqlite"
      ? "position >> 15"
      : "('x' || translate(left(id::text, 13), '-', ''))::bit(48)::bigint";
  return {
    email: "email = lower(email) and length(email) between 1 and 254",
    // A name that was not folded at all; whether it was folded rightly no SQL can tell.
    folded_name: `(name is null) = (folded_name is null) and ${dialect === "sqlite" ? "folded_name not glob '*[A-Z]*'" : `folded_name collate "C" !~ '[A-Z]'`}`,
    status: "status in ('ACTIVE', 'BLOCKED')",
    updated_at: `updated_at >= ${timeOfId}`,
    ...(dialect === "sqlite"
      ? {
          id: "id like '________-____-7___-____-____________' and not id glob '*[^0-9a-f-]*' and substr(id, 20, 1) in ('8', '9', 'a', 'b')",
          // The time of the id, and the 15 bits behind its version and its variant.
          position: `printf('%012x', position >> 15) = substr(id, 1, 8) || substr(id, 10, 4)
            and printf('%03x', (position >> 3) & 4095) = substr(id, 16, 3)
            and (position & 7) = instr('9ab', substr(id, 20, 1)) * 2 + (substr(id, 21, 1) > '7')`,
          email_verified: "email_verified in (0, 1)",
        }
      : { id: "id::text ~ '^.{14}7.{4}[89ab]'" }),
  };
}

/** SQLite, SQL: the number of three hexadecimal digits of the company, `000` to `fff`. */
const companyDigits = (start: number) =>
  `(${[0, 1, 2].map((place) => `instr('123456789abcdef', substr(company_id, ${start + place}, 1)) * ${16 ** (2 - place)}`).join(" + ")})`;

/**
 * SQLite, SQL: what the search indexes of a customer. Four private-use characters come first: the first three
 * stand for the company and the last three for the company and the status, so that each is a trigram like any
 * other. Two characters come after email and name, so that the last character, too, begins a trigram.
 */
const sqliteSearchText = `char(57344, 57344 + ${companyDigits(31)}, 57344 + ${companyDigits(34)}, 61440 + (status = 'BLOCKED'))
  || email || char(1, 1) || coalesce(folded_name, '') || char(1, 1)`;

/** SQLite: an index of trigrams, which triggers keep, so that any program may write customers. */
function addSqliteSearch(schema: Knex.SchemaBuilder): Knex.SchemaBuilder {
  const remove =
    "insert into customers_search (customers_search, rowid, text) values ('delete', old.position, old.search_text);";
  const add = "insert into customers_search (rowid, text) values (new.position, new.search_text);";
  return (
    schema
      // Contentless: a customer's text stands in its own row only. Without contentless_delete, which needs
      // SQLite 3.43 in every program that writes: the triggers say which text to remove.
      .raw(
        "create virtual table customers_search using fts5(text, content='', detail=none, tokenize='trigram case_sensitive 1')",
      )
      .raw("create virtual table customers_vocabulary using fts5vocab(customers_search, instance)")
      .raw(`create trigger search_insert after insert on customers begin ${add} end`)
      .raw(
        `create trigger search_update after update of position, company_id, email, folded_name, status on customers
         when old.position <> new.position or old.search_text <> new.search_text begin ${remove} ${add} end`,
      )
      .raw(`create trigger search_delete after delete on customers begin ${remove} end`)
  );
}

/** PostgreSQL: an index of trigrams of each company; a name and an email never form one together. */
function addPostgresSearch(schema: Knex.SchemaBuilder): Knex.SchemaBuilder {
  return (
    schema
      // So that the company can be a column of a GIN index. Both are trusted: the owner may create them.
      .raw("create extension if not exists btree_gin")
      .raw("create extension if not exists pg_trgm")
      // The list of pending entries makes writing faster. Every search reads it: at this size (in kB), that
      // takes less than a millisecond.
      .raw(
        "create index customers_search on customers using gin (company_id, (email || chr(1) || coalesce(folded_name, '')) gin_trgm_ops) with (gin_pending_list_limit = 1024)",
      )
  );
}

/**
 * PostgreSQL: the counters of the rate limits, which all processes share, in the form of rate-limiter-flexible.
 * Unlogged: they cost no durable write, and a crash may forget them. On SQLite they are in memory.
 */
function addRateLimits(schema: Knex.SchemaBuilder): Knex.SchemaBuilder {
  return schema.raw(
    "create unlogged table rate_limits (key text primary key, points integer not null default 0, expire bigint)",
  );
}

/** The columns whose changes are recorded, with the contract's name of each. */
const auditedFields = {
  name: "name",
  status: "status",
  notes: "notes",
  credit_limit: "creditLimit",
  tax_rate_override: "taxRateOverride",
};

/** SQL: the names of the fields that an update has changed. SQLite has concat_ws() from 3.44 only. */
const changedFields = `rtrim(${Object.entries(auditedFields)
  .map(
    ([column, field]) =>
      `case when old.${column} is distinct from new.${column} then '${field},' else '' end`,
  )
  .join(" || ")}, ',')`;

const insertEntry = (changed: string) =>
  `insert into audit_entries (company_id, changed_at, customer_id, changed_by, changed_fields)
   values (new.company_id, new.updated_at, new.id, new.changed_by, ${changed});`;

/**
 * The audit trail: an entry for each customer that was created (no changed fields) or changed, written by
 * triggers, so that no write can commit without its entry, and none needs another round trip. Only a statement
 * that sets `changed_by` is recorded: no other is attributed to an earlier writer.
 */
const auditTriggers = {
  audit_insert: {
    event: "after insert on customers",
    condition: "new.changed_by is not null",
    entry: insertEntry("null"),
  },
  audit_update: {
    event: "after update of changed_by on customers",
    condition: "old.updated_at is distinct from new.updated_at",
    entry: insertEntry(changedFields),
  },
};

/** Every change of a customer has another time, so the key is unique, and the table grows at its end. */
const createAuditTable = (uuid: string, options: string) =>
  `create table audit_entries (
     company_id ${uuid} not null,
     changed_at bigint not null,
     customer_id ${uuid} not null,
     changed_by text not null,
     changed_fields text,
     primary key (company_id, changed_at, customer_id)
   ) ${options}`;

function addSqliteAudit(schema: Knex.SchemaBuilder): Knex.SchemaBuilder {
  return Object.entries(auditTriggers).reduce(
    (built, [name, { event, condition, entry }]) =>
      built.raw(`create trigger ${name} ${event} when ${condition} begin ${entry} end`),
    schema.raw(createAuditTable("char(36)", "without rowid")),
  );
}

function addPostgresAudit(schema: Knex.SchemaBuilder): Knex.SchemaBuilder {
  return Object.entries(auditTriggers).reduce(
    (built, [name, { event, condition, entry }]) =>
      built
        .raw(
          `create function ${name}() returns trigger language plpgsql as $$ begin ${entry} return null; end $$`,
        )
        .raw(`create trigger ${name} ${event} for each row when (${condition}) execute function ${name}()`),
    schema.raw(createAuditTable("uuid", "")),
  );
}
