import type { Migration } from "../migrate.ts";

/** The columns whose changes are entered, with the contract's name of each. */
const fields = {
  name: "name",
  status: "status",
  notes: "notes",
  credit_limit: "creditLimit",
  tax_rate_override: "taxRateOverride",
};

/** SQL: the names of the fields that an update has changed. Both dialects have these functions. */
const changedFields = `concat_ws(',', ${Object.entries(fields)
  .map(([column, field]) => `case when old.${column} is distinct from new.${column} then '${field}' end`)
  .join(", ")})`;

/** SQL: one entry. */
const insertEntry = (changed: string) =>
  `insert into audit_entries (company_id, changed_at, customer_id, changed_by, changed_fields)
   values (new.company_id, new.updated_at, new.id, new.changed_by, ${changed});`;

/**
 * The audit trail: an entry for each customer that was created (no changed fields) or changed, made by
 * triggers, so that no write can commit without its entry, and none costs a round trip more.
 *
 * A statement says who writes in `changed_by`, and only then are there entries: SQL that does not set it,
 * such as that of a copy, is never entered under the name of whoever came before. It is not read elsewhere.
 */
export const up: Migration["up"] = (schema, dialect) => {
  const withTable = schema
    .alterTable("customers", (table) => {
      table.text("changed_by");
    })
    // Every change of a customer has another time, so this is unique; and it grows at its end. It needs
    // no reference to the company: that of the customer's row is there in the same transaction.
    .raw(
      `create table audit_entries (
         company_id ${dialect === "sqlite" ? "char(36)" : "uuid"} not null,
         changed_at bigint not null,
         customer_id ${dialect === "sqlite" ? "char(36)" : "uuid"} not null,
         changed_by text not null,
         changed_fields text,
         primary key (company_id, changed_at, customer_id)
       )${dialect === "sqlite" ? " without rowid" : ""}`,
    );
  const created = "after insert on customers";
  const isCreated = "new.changed_by is not null";
  const updated = "after update of changed_by on customers";
  const isUpdated = "old.updated_at is distinct from new.updated_at";
  if (dialect === "sqlite")
    return withTable
      .raw(`create trigger audit_insert ${created} when ${isCreated} begin ${insertEntry("null")} end`)
      .raw(
        `create trigger audit_update ${updated} when ${isUpdated} begin ${insertEntry(changedFields)} end`,
      );
  const functionOf = (name: string, changed: string) =>
    `create function ${name}() returns trigger language plpgsql as
     $$ begin ${insertEntry(changed)} return null; end $$`;
  return withTable
    .raw(functionOf("audit_insert", "null"))
    .raw(functionOf("audit_update", changedFields))
    .raw(
      `create trigger audit_insert ${created} for each row when (${isCreated}) execute function audit_insert()`,
    )
    .raw(
      `create trigger audit_update ${updated} for each row when (${isUpdated}) execute function audit_update()`,
    );
};
