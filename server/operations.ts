/** The types of the operations, derived from the contract, and the handler that performs one. */
import type { components, operations } from "../generated/api.ts";
import type { Defaulted, Messages } from "../generated/messages.ts";
import { ApiError, type ErrorStatus, type MessageOf } from "./errors.ts";
import type { Handler } from "./exchange.ts";

/** The name of an operation in contract, code, logs and metrics. */
export type OperationId = keyof operations & keyof Messages;

/** A customer, as partners see it. */
export type Customer = components["schemas"]["Customer"];

type Json<Response> = Response extends {
  content: { "application/json": infer Body };
}
  ? Body
  : undefined;
type RequestBody<Id extends OperationId> = operations[Id] extends {
  requestBody: { content: { "application/json": infer Body } };
}
  ? Body
  : undefined;
type Defined<Parameters> = [NonNullable<Parameters>] extends [never]
  ? Record<never, never>
  : NonNullable<Parameters>;

/** Values that have a default in the contract are not optional. */
type WithDefaults<Values, Names> = Values & {
  [Name in keyof Values as Name extends Names ? Name : never]-?: NonNullable<Values[Name]>;
};

type Success = 200 | 201 | 304;

/** What an operation may return: a union with a member for each of its success statuses in the contract. */
export type Reply<Id extends OperationId> = {
  [Status in keyof operations[Id]["responses"] & Success]: {
    status: Status;
    body: Json<operations[Id]["responses"][Status]>;
    headers?: Record<string, string>;
  };
}[keyof operations[Id]["responses"] & Success];

/** A validated request, and the company that its key belongs to. */
export interface Call<Id extends OperationId> {
  path: Defined<operations[Id]["parameters"]["path"]>;
  query: WithDefaults<Defined<operations[Id]["parameters"]["query"]>, Defaulted[Id]["query"]>;
  headers: Defined<operations[Id]["parameters"]["header"]>;
  body: WithDefaults<RequestBody<Id>, Defaulted[Id]["body"]>;
  /** The body exactly as sent. */
  rawBody: Uint8Array;
  companyId: string;
  /** The ID of the key, which the audit trail records as the author. */
  keyId: string;
  /** An error that the contract lists for this operation; any other status or message does not compile. */
  error<Status extends keyof Messages[Id] & ErrorStatus>(
    status: Status,
    message: Messages[Id][Status],
  ): ApiError;
}

/** All operations of the contract; a missing or misspelled one is a type error. */
export type Operations = {
  [Id in OperationId]: (call: Call<Id>) => Promise<Reply<Id>>;
};

type KeyOf<Union> = Union extends object ? keyof Union : never;
type ValueOf<Union, Key> = Union extends object ? (Key extends keyof Union ? Union[Key] : never) : never;

/** The names of fields, at any depth, that the contract does not describe. */
type Surplus<Actual, Described> = Actual extends readonly (infer Item)[]
  ? Surplus<Item, ValueOf<Described, number>>
  : Actual extends object
    ?
        | Exclude<keyof Actual, KeyOf<Described>>
        | { [Key in keyof Actual]-?: Surplus<Actual[Key], ValueOf<Described, Key>> }[keyof Actual]
    : never;

type SurplusOf<Handler extends (call: never) => Promise<unknown>, Id extends OperationId> = Surplus<
  Awaited<ReturnType<Handler>>,
  Reply<Id>
>;

/**
 * Returns the operations unchanged, but makes it a type error if one returns a field that the contract does not
 * describe: TypeScript itself allows a function to return extra fields.
 */
export function implementOperations<Implemented extends Operations>(
  operations: Implemented & {
    [Id in OperationId]: [SurplusOf<Implemented[Id], Id>] extends [never]
      ? unknown
      : { "not in the contract": SurplusOf<Implemented[Id], Id> };
  },
): Operations {
  return operations;
}

/** Performs an operation, unless the request's deadline has passed and the 503 has been sent. */
export function perform<Id extends OperationId>(operations: Operations, id: Id): Handler {
  return async (_request, response) => {
    const { exchange } = response.locals;
    const { key, rawBody } = exchange;
    if (exchange.isOver || !key) return;
    const { status, headers, body } = await operations[id]({
      path: conform<Call<Id>["path"]>(exchange.path),
      query: conform<Call<Id>["query"]>(exchange.query),
      headers: conform<Call<Id>["headers"]>(exchange.requestHeaders),
      body: conform<Call<Id>["body"]>(exchange.body),
      rawBody,
      companyId: key.companyId,
      keyId: key.id,
      error: createError,
    });
    exchange.send(status, headers ?? {}, body);
  };
}

/** A value that was validated against the contract has the generated type. */
function conform<Type>(validated: unknown): Type {
  return validated as Type;
}

/** `Call` allows only the errors that the contract lists for the operation. */
function createError(status: ErrorStatus, message: unknown): ApiError {
  return new ApiError(status, message as MessageOf<ErrorStatus>);
}
