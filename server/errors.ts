/** Errors: the contract's messages as types, and the response to anything thrown. */
import type { AnyRequestMessages, Messages } from "../generated/messages.ts";
import type { LogCause } from "./causeLog.ts";

type EveryMessages = Messages[keyof Messages] | AnyRequestMessages;

/** The statuses of all errors that the contract shows. */
export type ErrorStatus = EveryMessages extends infer M ? (M extends M ? keyof M & number : never) : never;

/** The messages that the contract shows for a status, for any operation. */
export type MessageOf<Status extends ErrorStatus> = EveryMessages extends infer M
  ? M extends { [S in Status]: infer Message extends string }
    ? Message
    : never
  : never;

export interface ErrorDetails {
  /** The one field, parameter or header that caused a 400. */
  field?: string;
  /** Seconds to wait before the next request. */
  retryAfter?: number;
  headers?: Record<string, string>;
}

/** An error response of the contract: thrown anywhere, sent in one place. */
export class ApiError<Status extends ErrorStatus = ErrorStatus> extends Error {
  readonly status: Status;
  readonly details: ErrorDetails;

  constructor(status: Status, message: MessageOf<Status>, details: ErrorDetails = {}) {
    super(message);
    this.status = status;
    this.details = details;
  }
}

/** The database is down, locked, slow, full or damaged: a 503, as a retry may succeed. */
export class UnavailableError extends Error {}

/** A statement was cancelled after the time that its caller had set. */
export class StatementTimeoutError extends UnavailableError {}

/** The client has closed the connection: nobody reads a response. */
export class ClientGoneError extends Error {}

/** Tells the operator what is wrong with the input of a command, which has changed nothing. */
export class CommandError extends Error {}

/** The database cannot be used as it is: its schema or its encoding is not ours. */
export class SchemaError extends CommandError {}

/** There is no database, and this caller does not create one. */
export class MissingDatabaseError extends SchemaError {}

/** The response to an error. */
export interface ErrorResponse {
  status: number;
  headers: Record<string, string>;
  body: { error: string; field?: string; retryAfter?: number };
}

/**
 * The response to anything thrown. What the contract does not know is a 500; its cause goes to the log and not to
 * the caller.
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
      // In the body only where the contract has it.
      ...(retryAfter !== undefined && error.status === 429 && { retryAfter }),
    },
  };
}

function toApiError(thrown: unknown, requestId: string, logCause: LogCause): ApiError {
  if (thrown instanceof ApiError) return thrown;
  if (thrown instanceof UnavailableError) {
    logCause({ level: "warn", message: "database unavailable", requestId, err: thrown.cause ?? thrown });
    return new ApiError(503, "Service temporarily unavailable.", {
      retryAfter: 1,
    });
  }
  logCause({ level: "error", message: "unexpected error", requestId, err: thrown });
  return new ApiError(500, "Internal server error.");
}

/**
 * pino's serializer for `err`: the error without what drivers attach to it, as the values of a statement are
 * customers' data.
 */
export function serializeError(error: unknown): object {
  if (!(error instanceof Error)) return { type: typeof error };
  const { code, address, port } = error as NodeJS.ErrnoException & { address?: string; port?: number };
  return { type: error.constructor.name, message: error.message, code, address, port, stack: error.stack };
}
