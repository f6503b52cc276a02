/**
 * Statements are built once with Knex and kept prepared by the drivers. Knex itself builds and prepares the SQL again
 * for every query: a point read on SQLite then takes 110 microseconds instead of 10.
 */
import type { Knex } from "knex";
import type { Statement, Values } from "./database.ts";

/** A placeholder for a value that is passed by name each time the statement runs. */
class NamedValue {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

/** A placeholder, typed so that Knex accepts it. */
type Placeholder = { readonly name: string };

/** Creates a placeholder for the value with this name. */
export function named(name: string): Placeholder {
  return new NamedValue(name);
}

/** Creates a placeholder for each column, with the column's name. */
export function namedColumns(columns: readonly string[]): Record<string, Placeholder> {
  return Object.fromEntries(columns.map((column) => [column, named(column)]));
}

/** Converts a query to a statement, with the placeholders that `named` has created. */
export function prepareStatement<Row>(
  query: Knex.QueryBuilder | Knex.Raw,
  { planEachTime = false } = {},
): Statement<Row> {
  const { sql, bindings } = query.toSQL().toNative();
  return {
    sql,
    bindings: bindings.map((value: unknown) =>
      value instanceof NamedValue ? { name: value.name } : { value },
    ),
    planEachTime,
  };
}

/**
 * Returns the values of a statement's placeholders, in order.
 * @throws {TypeError} when a named value is missing
 */
export function bindValues(statement: Statement<unknown>, values: Values): unknown[] {
  return statement.bindings.map((binding) => {
    if ("value" in binding) return binding.value;
    const value = values[binding.name];
    if (value === undefined) throw new TypeError(`No value for ${binding.name}`);
    return value;
  });
}

/** Returns a function that builds the statement for each form on its first use, and reuses it afterwards. */
export function keepStatements<Form, Row>(
  build: (form: Form) => Statement<Row>,
): (form: Form) => Statement<Row> {
  const kept = new Map<string, Statement<Row>>();
  return (form) => {
    const name = JSON.stringify(form);
    let statement = kept.get(name);
    if (!statement) {
      statement = build(form);
      kept.set(name, statement);
    }
    return statement;
  };
}
