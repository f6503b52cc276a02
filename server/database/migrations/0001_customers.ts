import type { Migration } from "../migrate.ts";

/** Companies, their API keys, their customers, and the answers kept under idempotency keys. */
export const up: Migration["up"] = (schema, dialect) =>
  schema
    .createTable("companies", (table) => {
      table.uuid("id").primary();
      table.text("slug").notNullable().unique();
      table.bigInteger("created_at").notNullable();
    })
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
    })
    .createTable("customers", (table) => {
      // SQLite's rowid, in the order of the ids: the search streams by it.
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
      // Milliseconds since 1970.
      table.bigInteger("updated_at").notNullable();
      if (dialect === "sqlite") table.unique(["company_id", "id"]);
      else table.primary(["company_id", "id"]);
      table.unique(["company_id", "email"]);
      table.index(["company_id", "status", "id"]);
    })
    .createTable("idempotency_keys", (table) => {
      table.uuid("company_id").notNullable().references("companies.id");
      table.text("key").notNullable();
      table.text("body_sha256").notNullable();
      table.uuid("customer_id").notNullable();
      table.text("entity_tag").notNullable();
      table.text("answer").notNullable();
      table.bigInteger("created_at").notNullable().index();
      table.primary(["company_id", "key"]);
    });
