/** Opens a database of either engine. */
import type { Database } from "./database.ts";

/** How long a request waits for a locked or slow database before it gets a 503. */
export const timeoutInMilliseconds = 1_500;

/**
 * How many of a list's newest customers a search compares, at most, before it uses the index: enough to fill a page of
 * 50 with a term that 3 % of them contain.
 */
export const defaultSearchWindow = 2_000;

/** How to reach a database. */
export interface ConnectOptions {
  /** `sqlite:<file>`, `sqlite::memory:` or `postgres://...` */
  url: string;
  /** PostgreSQL: the maximum number of connections of this process. */
  poolSize?: number;
  /** PostgreSQL: the statement timeout, in milliseconds. */
  statementTimeoutInMilliseconds?: number;
  /** PostgreSQL: whether connections go through a pooler in transaction mode. */
  pooler?: "transaction" | false;
  /** See `defaultSearchWindow`. */
  searchWindow?: number;
  /** Whether a database that does not exist, or lacks our tables, is an error instead of being created. */
  mustExist?: boolean;
  /** Called with warnings about the database for the operator. */
  warn?(message: string): void;
}

/**
 * Opens a database and applies pending migrations.
 * @throws {UnavailableError} when it cannot be reached
 * @throws {MissingDatabaseError} when it must exist and does not
 * @throws {SchemaError} when it has an unknown schema or encoding
 */
export async function connectDatabase(options: ConnectOptions): Promise<Database> {
  // Loads only the driver that is needed.
  const file = parseSqliteUrl(options.url);
  if (file !== undefined) {
    const { connectSqlite } = await import("./sqlite.ts");
    return connectSqlite(file, options);
  }
  const { connectPostgres } = await import("./postgres.ts");
  return connectPostgres(options);
}

/** Returns the file of a SQLite URL, including `:memory:`; undefined for any other URL. */
export function parseSqliteUrl(url: string): string | undefined {
  return url.startsWith("sqlite:") ? url.slice("sqlite:".length).replace(/^\/\//, "") : undefined;
}
