/** The interface of a database, the same for both engines. */
import type { Knex } from "knex";

/** The engines. */
export type Dialect = "sqlite" | "postgres";

/** A value of a statement's placeholder. */
export type Value = string | number | bigint | null;

/** The values of a statement's placeholders, by name. */
export type Values = Readonly<Record<string, Value>>;

/** Carries the type of a statement's rows; no value has this property. */
declare const rowType: unique symbol;

/** A statement, built once with Knex and run many times. */
export interface Statement<Row> {
  /** SQL in the dialect of the database, with its placeholders. */
  readonly sql: string;
  /** For each placeholder, the name of its value, or a fixed value. */
  readonly bindings: readonly ({ readonly name: string } | { readonly value: unknown })[];
  /** Whether its best plan depends on its values: PostgreSQL then plans it for each run. */
  readonly planEachTime: boolean;
  /**
   * Of a statement that writes one row with an `id`: writes several, with different IDs, for concurrent writes. It
   * returns the rows that it has written, with their IDs; each of the others is to be written alone.
   */
  readonly combine?: (rows: readonly Values[]) => BoundStatement;
  readonly [rowType]?: Row;
}

/** A statement of a write. A step that returns no row fails the whole write. */
export interface Step<Row = unknown> {
  readonly statement: Statement<Row>;
  readonly values: Values;
}

/** A statement with the values of its placeholders, in order. */
export interface BoundStatement {
  readonly statement: Statement<unknown>;
  readonly values: unknown[];
}

/** The rows of each step, at least one per step. */
export type RowsOf<Steps extends readonly Step[]> = {
  -readonly [Index in keyof Steps]: Steps[Index] extends Step<infer Row> ? [Row, ...Row[]] : never;
};

/** The rows of all steps or, if nothing was written, the index of the step that returned no row. */
export type WriteResult<Steps extends readonly Step[]> = { rows: RowsOf<Steps> } | { failedStep: number };

/** A WriteResult of steps that are not known to the types. */
export type StepResult = { rows: unknown[][] } | { failedStep: number };

/** Runs a statement and returns its rows. */
export type Run = <Row>(statement: Statement<Row>, values?: Values) => Promise<Row[]>;

/** Options of a read. */
export interface ReadOptions {
  /** PostgreSQL: cancels the statement after this many milliseconds, with a StatementTimeoutError. */
  timeoutInMilliseconds?: number;
}

/**
 * A database of either dialect. `read`, `write` and `ping` reject with an UnavailableError when the database is down,
 * locked or too slow.
 */
export interface Database {
  readonly dialect: Dialect;
  /** Only builds queries in the dialect of this database; never runs them. */
  readonly knex: Knex;
  /**
   * How many of a list's newest customers a search compares, at most, before it uses the index; on SQLite, it uses the
   * index earlier for a rare term. On PostgreSQL, comparing 1,000 takes about a millisecond.
   */
  readonly searchWindow: number;
  /** Converts a Knex query to a statement. */
  prepare<Row>(query: Knex.QueryBuilder | Knex.Raw, options?: { planEachTime?: boolean }): Statement<Row>;
  /** Runs a statement and returns its rows. */
  read<Row>(statement: Statement<Row>, values: Values, options?: ReadOptions): Promise<Row[]>;
  /**
   * Runs all steps or, if one returns no row, none. Resolves once they are durable.
   * @param companyId the company that writes: on PostgreSQL, its writes leave connections for others, and its
   *   concurrent writes share statements
   */
  write<const Steps extends readonly Step[]>(steps: Steps, companyId?: string): Promise<WriteResult<Steps>>;
  /**
   * Lends a connection for temporary tables and long transactions of the operator's commands. It has no timeout, and
   * opens no transactions; the statements may.
   */
  session<Result>(work: (run: Run) => Promise<Result>): Promise<Result>;
  /** PostgreSQL: the numbers of used and idle connections, and of requests waiting for one. */
  pool?(): { used: number; idle: number; waiting: number };
  /** Whether so many statements wait for a connection that further requests should be queued before they begin. */
  isBusy?(): boolean;
  /** Resolves after a round trip to the database, which verifies that every migration is applied. */
  ping(): Promise<void>;
  close(): Promise<void>;
}
