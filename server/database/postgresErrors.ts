/** Which errors of PostgreSQL and its driver mean that the database is unavailable, or a connection unusable. */
import pg from "pg";
import { SchemaError, StatementTimeoutError, UnavailableError } from "../errors.ts";

/**
 * SQLSTATE classes of a server that is away, starting, stopping, full, read-only, damaged or locked
 * against us, and of statements that it cancelled.
 */
const unavailableStates = /^(08|25006|28|3D|40|53|55000|55P03|57|58|XX00[12])/;

/** Rolls a write back, as this step returned no row. */
export class FailedStep extends Error {
  readonly index: number;

  constructor(index: number) {
    super();
    this.index = index;
  }
}

/** Whether the connection can be used again after this error: the server has responded, and in words. */
export function isHealthy(error: unknown): boolean {
  if (error instanceof FailedStep) return true;
  if (error instanceof StatementTimeoutError) return true;
  return error instanceof pg.DatabaseError && !/^(08|57P)/.test(String(error.code));
}

/** What to throw for an error of a statement or a connection: unavailable, where a retry may succeed. */
export function asUnavailable(error: unknown): unknown {
  if ([UnavailableError, SchemaError, FailedStep, TypeError].some((type) => error instanceof type))
    return error;
  const isOfServer = error instanceof pg.DatabaseError;
  if (isOfServer && !unavailableStates.test(String(error.code))) return error;
  return new UnavailableError("PostgreSQL", { cause: error });
}
