/** The types of the database: what the server needs of it, whichever engine runs it. */
import type { Knex } from "knex";

/** The engines. */
export type Dialect = "sqlite" | "postgres";

/** A value that a statement takes. */
export type Value = string | number | bigint | null;

/** The named values of one run of a statement. */
export type Values = Readonly<Record<string, Value>>;

/** Keys the type of a statement's rows, which no value holds. */
declare const rowType: unique symbol;

/** A statement, built once by Knex and run many times. */
export interface Statement<Row> {
  /** The SQL of the database's dialect, with its own placeholders. */
  readonly sql: string;
  /** For each placeholder the name of its value, or a fixed value. */
  readonly bindings: readonly ({ readonly name: string } | { readonly value: unknown })[];
  /** Whether its best plan depends on its values: PostgreSQL then plans it on each run. */
  readonly planEachTime: boolean;
  readonly [rowType]?: Row;
}

/** One statement of a write. A step that returns no row fails the whole write. */
export interface Step<Row = unknown> {
  readonly statement: Statement<Row>;
  readonly values: Values;
}

/** The rows of each step, at least one each. */
export type RowsOf<Steps extends readonly Step[]> = {
  -readonly [Index in keyof Steps]: Steps[Index] extends Step<infer Row> ? [Row, ...Row[]] : never;
};

/** The rows of all steps or, where nothing was written, the index of the step that returned no row. */
export type WriteResult<Steps extends readonly Step[]> = { rows: RowsOf<Steps> } | { failedStep: number };

/** Runs one statement and returns its rows. */
export type Run = <Row>(statement: Statement<Row>, values?: Values) => Promise<Row[]>;

/** Limits of one read. */
export interface ReadOptions {
  /** PostgreSQL: cancels the statement after this many milliseconds, with a StatementTimeoutError. */
  timeoutInMilliseconds?: number;
}

/**
 * A database of either dialect. Every method but `prepare` and `session` rejects with an UnavailableError when
 * the database is down, locked or slow for more than a second and a half.
 */
export interface Database {
  readonly dialect: Dialect;
  /** Builds queries in the dialect of this database; runs none. */
  readonly knex: Knex;
  /** Of a list with no more customers than this, a search uses no index. */
  readonly searchWindow: number;
  /** Turns a query that Knex has built into a statement. */
  prepare<Row>(query: Knex.QueryBuilder | Knex.Raw, options?: { planEachTime?: boolean }): Statement<Row>;
  /** The rows of one statement. */
  read<Row>(statement: Statement<Row>, values: Values, options?: ReadOptions): Promise<Row[]>;
  /** Runs all steps or, where one returns no row, none; resolves once they are durable. */
  write<const Steps extends readonly Step[]>(steps: Steps): Promise<WriteResult<Steps>>;
  /**
   * Lends one connection, for temporary tables and long transactions of the operator's commands. It has no
   * time limit, and no transaction but those that the statements begin.
   */
  session<Result>(work: (run: Run) => Promise<Result>): Promise<Result>;
  /** PostgreSQL: how many connections are used and idle, and how many requests wait for one. */
  pool?(): { used: number; idle: number; waiting: number };
  /** Resolves after a round trip that found every migration applied. */
  ping(): Promise<void>;
  close(): Promise<void>;
}
