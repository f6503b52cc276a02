/** Classifies errors of PostgreSQL and its driver: whether the database is unavailable, or a connection unusable. */
import pg from "pg";
import { SchemaError, StatementTimeoutError, UnavailableError } from "../errors.ts";

/**
 * SQLSTATE classes of a server that is unreachable, starting, stopping, full, read-only, damaged or locked, of
 * cancelled statements, and of a database without our tables, as during a restore.
 */
const unavailableStates = /^(08|25006|28|3D|40|42P01|53|55000|55P03|57|58|XX00[12])/;

/** Rolls back a write whose step returned no row. */
export class FailedStep extends Error {
  readonly index: number;

  constructor(index: number) {
    super();
    this.index = index;
  }
}

/** Whether the connection can be reused after this error: the server has responded that the statement failed. */
export function isHealthy(error: unknown): boolean {
  if (error instanceof FailedStep) return true;
  if (error instanceof StatementTimeoutError) return true;
  return error instanceof pg.DatabaseError && !/^(08|57P)/.test(String(error.code));
}

/** Converts an error of a statement or connection to an UnavailableError if a retry may succeed. */
export function asUnavailable(error: unknown): unknown {
  if ([UnavailableError, SchemaError, FailedStep, TypeError].some((type) => error instanceof type))
    return error;
  const isFromServer = error instanceof pg.DatabaseError;
  if (isFromServer && !unavailableStates.test(String(error.code))) return error;
  return new UnavailableError("PostgreSQL is unavailable", { cause: error });
}
