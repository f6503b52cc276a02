import type { Knex } from "knex";
import type { Dialect } from "../database.ts";
import type { Migration } from "../migration.ts";

export const revision = "2026-11-26.1";

/**
 * Creates the tables of companies, API keys, customers with search index and audit trail, idempotency keys and rate
 * limits.
 */
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
        // While this is set, none of its keys work.
        table.bigInteger("blocked_at");
      })
      // Slugs that differ only in case would be mistaken for each other.
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
      // The audit trail of the operator's actions on keys, companies and erased customers.
      .createTable("operator_entries", (table) => {
        // A UUIDv7, so in chronological order.
        table.uuid("id").primary();
        table.uuid("company_id").notNullable().references("companies.id");
        table.bigInteger("changed_at").notNullable();
        table.text("changed_by").notNullable();
        table.text("action").notNullable();
        // The ID of the key, company or customer.
        table.uuid("subject_id").notNullable();
        table.index(["company_id", "id"]);
      })
      .createTable("customers", (table) => {
        // SQLite's rowid, in the order of the IDs, so that the search index is in that order too.
        if (dialect === "sqlite") table.specificType("position", "integer primary key");
        table.uuid("company_id").notNullable().references("companies.id");
        // A UUIDv7 with the time of creation: the order of the IDs is the order of the list.
        table.uuid("id").notNullable();
        table.text("email").notNullable();
        table.text("name");
        // The name as searches compare it. An email needs no such copy, because it is in lower case.
        table.text("folded_name");
        table.text("status").notNullable();
        table.text("notes");
        table.double("credit_limit");
        table.double("tax_rate_override");
        table.boolean("email_verified").notNullable();
        // Milliseconds since 1970. Every change increases it, because the ETag is derived from it.
        table.bigInteger("updated_at").notNullable();
        // The author of the last change, for the audit trail.
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

/** The rules for other programs that write customers, as far as SQL can express them. */
function customerChecks(dialect: Dialect): Record<string, string> {
  const timeOfId =
    dialect === "sqlite"
      ? "position >> 15"
      : "('x' || translate(left(id::text, 13), '-', ''))::bit(48)::bigint";
  return {
    email: "email = lower(email) and length(email) between 1 and 254",
    // Detects names that were not folded at all; SQL cannot verify that they were folded correctly.
    folded_name: `(name is null) = (folded_name is null) and ${dialect === "sqlite" ? "folded_name not glob '*[A-Z]*'" : `folded_name collate "C" !~ '[A-Z]'`}`,
    status: "status in ('ACTIVE', 'BLOCKED')",
    updated_at: `updated_at >= ${timeOfId}`,
    ...(dialect === "sqlite"
      ? {
          id: "id like '________-____-7___-____-____________' and not id glob '*[^0-9a-f-]*' and substr(id, 20, 1) in ('8', '9', 'a', 'b')",
          // The time of the ID, and the 15 bits after its version and its variant.
          position: `printf('%012x', position >> 15) = substr(id, 1, 8) || substr(id, 10, 4)
            and printf('%03x', (position >> 3) & 4095) = substr(id, 16, 3)
            and (position & 7) = instr('9ab', substr(id, 20, 1)) * 2 + (substr(id, 21, 1) > '7')`,
          email_verified: "email_verified in (0, 1)",
        }
      : { id: "id::text ~ '^.{14}7.{4}[89ab]'" }),
  };
}

/** SQLite, SQL: the value of three hexadecimal digits of the company's ID, `000` to `fff`. */
const companyDigits = (start: number) =>
  `(${[0, 1, 2].map((place) => `instr('123456789abcdef', substr(company_id, ${start + place}, 1)) * ${16 ** (2 - place)}`).join(" + ")})`;

/**
 * SQLite, SQL: the indexed text of a customer. It starts with four private-use characters: the first three stand for
 * the company, and the last three for the company and the status, so that each is a trigram like any other. Two
 * characters follow the email and the name, so that their last character, too, starts a trigram.
 */
const sqliteSearchText = `char(57344, 57344 + ${companyDigits(31)}, 57344 + ${companyDigits(34)}, 61440 + (status = 'BLOCKED'))
  || email || char(1, 1) || coalesce(folded_name, '') || char(1, 1)`;

/** SQLite: a trigram index, which triggers maintain, so that any program may write customers. */
function addSqliteSearch(schema: Knex.SchemaBuilder): Knex.SchemaBuilder {
  const remove =
    "insert into customers_search (customers_search, rowid, text) values ('delete', old.position, old.search_text);";
  const add = "insert into customers_search (rowid, text) values (new.position, new.search_text);";
  return (
    schema
      // Contentless: a customer's text is only in its own row. Without contentless_delete, which needs SQLite 3.43 in
      // every program that writes: the triggers specify the text to remove.
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

/** PostgreSQL: a trigram index by company; no trigram spans an email and a name. */
function addPostgresSearch(schema: Knex.SchemaBuilder): Knex.SchemaBuilder {
  return (
    schema
      // btree_gin allows the company as a column of a GIN index. Both are trusted extensions, which the owner may
      // create.
      .raw("create extension if not exists btree_gin")
      .raw("create extension if not exists pg_trgm")
      // The list of pending entries makes writes faster, but every search reads it: at this size (in kB), that takes
      // less than a millisecond.
      .raw(
        "create index customers_search on customers using gin (company_id, (email || chr(1) || coalesce(folded_name, '')) gin_trgm_ops) with (gin_pending_list_limit = 1024)",
      )
  );
}

/**
 * PostgreSQL: the rate limit counters, which all processes share, in the format of rate-limiter-flexible. The table is
 * unlogged: it costs no durable writes, and a crash may empty it. On SQLite, the counters are in memory.
 */
function addRateLimits(schema: Knex.SchemaBuilder): Knex.SchemaBuilder {
  return schema.raw(
    "create unlogged table rate_limits (key text primary key, points integer not null default 0, expire bigint)",
  );
}

/** The columns whose changes are recorded, each with its name in the contract. */
const auditedFields = {
  name: "name",
  status: "status",
  notes: "notes",
  credit_limit: "creditLimit",
  tax_rate_override: "taxRateOverride",
};

/** SQL: the names of the fields that an update has changed. SQLite has concat_ws() only since 3.44. */
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
 * The audit trail: an entry for each creation (without changed fields) and each change of a customer. Triggers write
 * it, so that no write can commit without its entry, and none needs another round trip. Only statements that set
 * `changed_by` are recorded: others must not be attributed to the author of an earlier change.
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

/** Each change of a customer has a different time, so the key is unique, and the table grows at its end. */
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
