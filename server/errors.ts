/** Errors: the contract's error messages as types, and the response to any thrown error. */
import type { AnyRequestMessages, Messages } from "../generated/messages.ts";
import type { LogCause } from "./causeLog.ts";

type AllMessages = Messages[keyof Messages] | AnyRequestMessages;

/** All error statuses in the contract. */
export type ErrorStatus = AllMessages extends infer M ? (M extends M ? keyof M & number : never) : never;

/** The error messages in the contract for a status, of any operation. */
export type MessageOf<Status extends ErrorStatus> = AllMessages extends infer M
  ? M extends { [S in Status]: infer Message extends string }
    ? Message
    : never
  : never;

export interface ErrorDetails {
  /** The single field, parameter or header that caused a 400. */
  field?: string;
  /** Seconds to wait before the next request. */
  retryAfter?: number;
  headers?: Record<string, string>;
}

/** An error response of the contract: thrown anywhere, sent in a single place. */
export class ApiError<Status extends ErrorStatus = ErrorStatus> extends Error {
  readonly status: Status;
  readonly details: ErrorDetails;

  constructor(status: Status, message: MessageOf<Status>, details: ErrorDetails = {}) {
    super(message);
    this.status = status;
    this.details = details;
  }
}

/**
 * The database is down, locked, slow, full or damaged, or the server is overloaded. The response is a 503, because a retry
 * may succeed.
 */
export class UnavailableError extends Error {
  /** Seconds to wait before the next request. */
  readonly retryAfter: number = 1;
}

/**
 * The company has the maximum number of customers. Only the operator can change that, so clients should wait longer.
 */
export class CompanyFullError extends UnavailableError {
  override readonly retryAfter = 60;
}

/** A statement was cancelled after its caller's timeout. */
export class StatementTimeoutError extends UnavailableError {}

/** The client has closed the connection, so there is nobody to respond to. */
export class ClientGoneError extends Error {}

/** A command failed without changing anything. The message tells the operator why. */
export class CommandError extends Error {}

/** The database cannot be used: its schema or encoding is not the expected one. */
export class SchemaError extends CommandError {}

/** The database does not exist, and must not be created. */
export class MissingDatabaseError extends SchemaError {}

/** The response to an error. */
export interface ErrorResponse {
  status: number;
  headers: Record<string, string>;
  body: { error: string; field?: string; retryAfter?: number };
}

/**
 * Creates the response to any thrown error. An unexpected error becomes a 500 whose cause is logged, but not sent to the
 * client.
 */
export function createErrorResponse(thrown: unknown, requestId: string, logCause: LogCause): ErrorResponse {
  const error = toApiError(thrown, requestId, logCause);
  const { field, retryAfter, headers } = error.details;
  return {
    status: error.status,
    headers: {
      ...headers,
      ...(retryAfter !== undefined && { "Retry-After": String(retryAfter) }),
    },
    body: {
      error: error.message,
      ...(field !== undefined && { field }),
      // The contract has it in the body of a 429 only.
      ...(retryAfter !== undefined && error.status === 429 && { retryAfter }),
    },
  };
}

function toApiError(thrown: unknown, requestId: string, logCause: LogCause): ApiError {
  if (thrown instanceof ApiError) return thrown;
  if (thrown instanceof UnavailableError) {
    logCause({ level: "warn", message: "database unavailable", requestId, err: thrown.cause ?? thrown });
    return new ApiError(503, "Service temporarily unavailable.", { retryAfter: thrown.retryAfter });
  }
  logCause({ level: "error", message: "unexpected error", requestId, err: thrown });
  return new ApiError(500, "Internal server error.");
}

/**
 * pino's serializer for `err`: the error without the properties that drivers attach to it, because the values of
 * statements are customers' data.
 */
export function serializeError(error: unknown): object {
  if (!(error instanceof Error)) return { type: typeof error };
  const { code, address, port } = error as NodeJS.ErrnoException & { address?: string; port?: number };
  return { type: error.constructor.name, message: error.message, code, address, port, stack: error.stack };
}
