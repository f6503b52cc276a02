/** The database: statements that Knex builds once and that are kept prepared, and grouped writes. */
import type { Knex } from "knex";
import type pg from "pg";
import type { Dialect } from "./migrate.ts";
import type { Search } from "./search.ts";

/** What a statement may be given. */
export type Value = string | number | bigint | null;

/**
 * A statement, built once and run often. In the query that made it, strings such as `":id"` stand
 * for values that are given by name on each run.
 */
export interface Statement<_Row> {
  /** The SQL of the database's dialect, with its own placeholders. */
  readonly sql: string;
  /** The name of the value for each placeholder, or else a fixed value. */
  readonly bindings: readonly { name?: string; value?: unknown }[];
  /** Whether its best plan depends on the values. */
  readonly planEachTime: boolean;
}

/** One statement of a write, which refuses the whole of it where it returns no row. */
export interface Step {
  statement: Statement<unknown>;
  values: Record<string, Value>;
}

/** Runs one statement, and returns its rows. */
export type Run = <Row>(statement: Statement<Row>, values?: Record<string, Value>) => Promise<Row[]>;

/** The rows that each step returned, or the index of the step that returned none. */
// biome-ignore lint/suspicious/noExplicitAny: rows of different steps have different types
export type WriteResult = { rows: any[][] } | { refusedAt: number };

/**
 * A database of either dialect. Every method but `prepare` and `session` rejects with an UnavailableError where
 * the database is down, locked or slow for more than a second and a half.
 */
export interface Database {
  readonly dialect: Dialect;
  /** Builds queries in the dialect of this database; runs none. */
  readonly knex: Knex;
  /** How it finds the customers of a search. */
  readonly search: Search;
  /** Makes a statement of what Knex has built. */
  prepare<Row>(query: Knex.QueryBuilder | Knex.Raw, options?: { planEachTime?: boolean }): Statement<Row>;
  /** The rows of one statement. */
  read<Row>(statement: Statement<Row>, values: Record<string, Value>): Promise<Row[]>;
  /** Runs all steps or, where one returns no row, none; resolves once they are durable. */
  write(steps: Step[]): Promise<WriteResult>;
  /**
   * Lends one connection, for temporary tables and long transactions of the operator's commands. No
   * time limit, and no transaction but what the statements begin.
   */
  session<Result>(work: (run: Run) => Promise<Result>): Promise<Result>;
  /** PostgreSQL: what rate-limiter-flexible takes for a pool. */
  readonly rateLimitStore?: { query(query: pg.QueryConfig): Promise<pg.QueryResult> };
  /** PostgreSQL: how many connections are used and idle, and how many requests wait for one. */
  pool?(): { used: number; idle: number; waiting: number };
  /** Resolves after a round trip that found every migration applied. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

/** How long a request waits for a locked or slow database before it is answered 503. */
export const patienceInMilliseconds = 1_500;

/** How to reach a database. */
export interface ConnectOptions {
  /** `sqlite:<file>`, `sqlite::memory:` or `postgres://...` */
  url: string;
  /** PostgreSQL: the most connections of this process. */
  poolSize?: number;
  /** PostgreSQL: the longest that one statement may run, in milliseconds. */
  statementTimeoutInMilliseconds?: number;
  /** PostgreSQL: how many customers of a list a search compares one by one before it asks the index. */
  searchWindow?: number;
}

/**
 * Opens a database and brings it to the newest migration.
 * @throws {UnavailableError} when it cannot be reached
 */
export async function connectDatabase(options: ConnectOptions): Promise<Database> {
  const { url } = options;
  // Only the driver that is asked for is loaded.
  const file = sqliteFileOf(url);
  if (file !== undefined) {
    const { connectSqlite } = await import("./sqlite.ts");
    return connectSqlite(file);
  }
  const { connectPostgres } = await import("./postgres.ts");
  return connectPostgres(options);
}

/** The file that a URL names, `:memory:` included, or undefined where it is not of SQLite. */
export function sqliteFileOf(url: string): string | undefined {
  return url.startsWith("sqlite:") ? url.slice("sqlite:".length).replace(/^\/\//, "") : undefined;
}

/** The statement of a query, with the bindings that Knex took out of it. */
export function statementOf<Row>(
  query: Knex.QueryBuilder | Knex.Raw,
  { planEachTime = false } = {},
): Statement<Row> {
  const { sql, bindings } = query.toSQL().toNative();
  return {
    sql,
    bindings: bindings.map((binding: unknown) =>
      typeof binding === "string" && binding.startsWith(":")
        ? { name: binding.slice(1) }
        : { value: binding },
    ),
    planEachTime,
  };
}

/**
 * The values for a statement's placeholders, in their order.
 * @throws {TypeError} when a named value is not given
 */
export function valuesOf(statement: Statement<unknown>, values: Record<string, Value>): unknown[] {
  return statement.bindings.map(({ name, value }) => {
    if (name === undefined) return value;
    const given = values[name];
    if (given === undefined) throw new TypeError(`No value for ${name}`);
    return given;
  });
}
