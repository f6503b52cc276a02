/** Opens databases. */
import type { Database } from "./database.ts";

/** How long a request waits for a locked or slow database before its response is a 503. */
export const timeoutInMilliseconds = 1_500;

/** How to reach a database. */
export interface ConnectOptions {
  /** `sqlite:<file>`, `sqlite::memory:` or `postgres://...` */
  url: string;
  /** PostgreSQL: the maximum number of connections of this process. */
  poolSize?: number;
  /** PostgreSQL: the longest that one statement may run, in milliseconds. */
  statementTimeoutInMilliseconds?: number;
  /** PostgreSQL: what hands out sessions between us and the server, if anything does, for a transaction each. */
  pooler?: "transaction" | false;
  /** Of a list with no more customers than this, a search uses no index. */
  searchWindow?: number;
  /** Whether a database that does not exist, or has no tables of ours, is an error instead of being created. */
  mustExist?: boolean;
  /** Called with what an operator should know of the database at startup. */
  warn?(message: string): void;
}

/**
 * Opens a database and applies the migrations that it lacks.
 * @throws {UnavailableError} when it cannot be reached
 * @throws {MissingDatabaseError} when it must exist and does not
 * @throws {SchemaError} when its schema or its encoding is not ours
 */
export async function connectDatabase(options: ConnectOptions): Promise<Database> {
  // Only the driver that is needed is loaded.
  const file = parseSqliteUrl(options.url);
  if (file !== undefined) {
    const { connectSqlite } = await import("./sqlite.ts");
    return connectSqlite(file, options);
  }
  const { connectPostgres } = await import("./postgres.ts");
  return connectPostgres(options);
}

/** The file of a SQLite URL, `:memory:` included; undefined for any other URL. */
export function parseSqliteUrl(url: string): string | undefined {
  return url.startsWith("sqlite:") ? url.slice("sqlite:".length).replace(/^\/\//, "") : undefined;
}
