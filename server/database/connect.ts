/** The database: statements that Knex builds once and that are kept prepared, and grouped writes. */
import type { Knex } from "knex";
import type { Search } from "./search.ts";
import { connectSqlite } from "./sqlite.ts";

/** What a statement may be given. */
export type Value = string | number | bigint | null;

/**
 * A statement, built once and run often. In the query that made it, strings such as `":id"` stand
 * for values that are given by name on each run.
 */
export interface Statement<_Row> {
  /** The SQL of the database's dialect, with its own placeholders. */
  readonly sql: string;
  /** The name, or the fixed value, for each placeholder. */
  readonly bindings: readonly unknown[];
}

/** One statement of a write, which refuses the whole of it where it returns no row. */
export interface Step {
  statement: Statement<unknown>;
  values: Record<string, Value>;
}

/** The rows that each step returned, or the index of the step that returned none. */
// biome-ignore lint/suspicious/noExplicitAny: rows of different steps have different types
export type WriteResult = { rows: any[][] } | { refusedAt: number };

/**
 * A database of either dialect. Every method but `prepare` rejects with an UnavailableError where
 * the database is down, locked or slow for more than a second and a half.
 */
export interface Database {
  /** Builds queries in the dialect of this database; runs none. */
  readonly knex: Knex;
  /** How it finds the candidates of a search. */
  readonly search: Search;
  /** Makes a statement of what Knex has built. */
  prepare<Row>(query: Knex.QueryBuilder | Knex.Raw): Statement<Row>;
  /** The rows of one statement. */
  read<Row>(statement: Statement<Row>, values: Record<string, Value>): Promise<Row[]>;
  /** Runs all steps or, where one returns no row, none; resolves once they are durable. */
  write(steps: Step[]): Promise<WriteResult>;
  /** Resolves after a round trip that found every migration applied. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

/** How long a request waits for a locked or slow database before it is answered 503. */
export const patienceInMilliseconds = 1_500;

/** Opens the database of a `DATABASE_URL` and brings it to the newest migration. */
export function connectDatabase(url: string): Promise<Database> {
  return connectSqlite(url.slice("sqlite:".length).replace(/^\/\//, ""));
}

/** The statement of a query, with the bindings that Knex took out of it. */
export function statementOf<Row>(query: Knex.QueryBuilder | Knex.Raw): Statement<Row> {
  const { sql, bindings } = query.toSQL().toNative();
  return { sql, bindings };
}

/**
 * The values for a statement's placeholders, in their order.
 * @throws {Error} when a named value is not given
 */
export function valuesOf(statement: Statement<unknown>, values: Record<string, Value>): unknown[] {
  return statement.bindings.map((binding) => {
    if (typeof binding !== "string" || !binding.startsWith(":")) return binding;
    const value = values[binding.slice(1)];
    if (value === undefined) throw new Error(`No value for ${binding}`);
    return value;
  });
}
