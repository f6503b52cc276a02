/** The statements that update customers. */
import type { Knex } from "knex";
import { type CustomerRow, type Fields, selectedColumns, toColumns } from "./customers.ts";
import type { Database, Statement, Step } from "./database.ts";
import { maxRows } from "./multiRowWrites.ts";
import { bindValues, keepStatements, named } from "./statement.ts";

/**
 * Creates the function that builds the step which updates some fields of a customer, and also its version if a value
 * differs. The step returns no row if there is no such customer, or it does not have the given version.
 */
export function createCustomerUpdates({ knex, prepare, dialect }: Database) {
  const customersOfCompany = () => knex("customers").where("customers.company_id", named("companyId"));

  /**
   * Builds the update of some columns of the customers that a query finds.
   * @param value refers to the new value of a column; that of `updated_at` is the version that the customer must have
   */
  function build(
    query: Knex.QueryBuilder,
    changed: readonly string[],
    value: (column: string) => Knex.Raw,
  ): Statement<CustomerRow> {
    const differs = changed.map((column) =>
      knex.raw("?? is distinct from ?", [`customers.${column}`, value(column)]),
    );
    const version = knex.raw(
      `case when ${differs.map(() => "?").join(" or ")} then case when customers.updated_at < ? then ? else customers.updated_at + 1 end else customers.updated_at end`,
      [...differs, named("now"), named("now")],
    );
    return prepare<CustomerRow>(
      query
        .whereRaw("customers.updated_at = coalesce(?, customers.updated_at)", [value("updated_at")])
        .update({
          ...Object.fromEntries(changed.map((column) => [column, value(column)])),
          // If a value differs, a trigger writes the audit trail entry.
          changed_by: value("changed_by"),
          updated_at: changed.length > 0 ? version : knex.ref("customers.updated_at"),
        })
        .returning(selectedColumns.map((column) => `customers.${column}`)),
    );
  }

  function buildSingle(changed: readonly string[]): Statement<CustomerRow> {
    const one = customersOfCompany().where("id", named("id"));
    return build(one, changed, (column) => knex.raw("?", [named(column)]));
  }

  /**
   * PostgreSQL: updates several customers, but skips those that other transactions have locked, so that it waits for
   * none. A JSON array has the values of each row by column; PostgreSQL ignores other keys, and converts the values to
   * the types of the columns. With the place of each row (`ctid`) and a limit, a good plan does not depend on
   * statistics: before the first `analyze`, a join by ID alone reads all customers of the company. A place is unique
   * only within a partition, so the other conditions are needed too.
   */
  function buildCombined(changed: readonly string[]): Statement<CustomerRow> {
    const changes = knex.raw(
      `select changes.*, place
       from (select * from json_populate_recordset(null::customers, ?::json) limit ${maxRows}) as changes
       cross join lateral (
         select ctid as place from customers where company_id = ? and id = changes.id
         for no key update skip locked
       ) as unlocked`,
      [named("changes"), named("companyId")],
    );
    const several = customersOfCompany()
      .with("changes", changes)
      .updateFrom("changes")
      .whereRaw("customers.ctid = changes.place and customers.id = changes.id");
    return build(several, changed, (column) => knex.raw("??", [`changes.${column}`]));
  }

  const getUpdate = keepStatements((changed: readonly string[]): Statement<CustomerRow> => {
    const update = buildSingle(changed);
    if (dialect === "sqlite") return update;
    const combined = buildCombined(changed);
    return {
      ...update,
      combine(rows) {
        const { companyId = null, now = null } = rows[0] ?? {};
        const values = { companyId, now, changes: JSON.stringify(rows) };
        return { statement: combined, values: bindValues(combined, values) };
      },
    };
  });

  return (
    key: { companyId: string; id: string; version: number | null; changedBy: string },
    fields: Fields,
  ): Step<CustomerRow> => {
    const { companyId, id, version, changedBy } = key;
    const columns = toColumns(fields);
    return {
      statement: getUpdate(Object.keys(columns)),
      values: { ...columns, companyId, id, updated_at: version, changed_by: changedBy, now: Date.now() },
    };
  };
}
