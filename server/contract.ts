/** The contract at run time: its operations, and the check of a request against them. */
import { createRequire } from "node:module";
import type { Request, RequestHandler, Response } from "express";
import * as OpenApiValidator from "express-openapi-validator";
import type { Scope } from "../generated/messages.ts";
import { ApiError } from "./errors.ts";
import type { OperationId } from "./operations.ts";

/** As much of a JSON schema of OpenAPI 3.0 as the server looks at. */
interface Schema {
  pattern?: string;
  properties?: Record<string, Schema>;
  "x-error-message"?: string | Record<string, string>;
  "x-refused-properties"?: Record<string, string>;
  /** What the raw text of a number must match; coercion would also take `1e1` and `0x10`. */
  "x-lexical-pattern"?: string;
  /** A number outside these bounds counts as the nearer of them. */
  "x-clamp"?: { minimum: number; maximum: number };
}

/** A parameter of an operation. */
export interface Parameter {
  name: string;
  in: "path" | "query" | "header";
  allowEmptyValue?: boolean;
  schema: Schema;
  /** What the raw text must match, where the validator does not see it: a header, the digits of a number. */
  pattern?: RegExp;
}

/** One operation of the contract, with all references resolved. */
export interface Operation {
  operationId: OperationId;
  method: string;
  /** Its path as a pattern with one named group for each path parameter. */
  path: RegExp;
  scope: Scope;
  parameters: Parameter[];
  headers: Parameter[];
  query: Map<string, Parameter>;
  /** The largest body it reads, in bytes; absent where it reads none. */
  maxBodyBytes?: number;
  bodySchema?: Schema;
  /** What express-openapi-validator would find in its route table. */
  route: { expressRoute: string; openApiRoute: string; schema: object };
}

/** What of a request has been decoded and is to be checked. */
export interface DecodedRequest {
  path: Record<string, string>;
  query: Record<string, string>;
  body: unknown;
}

const document = createRequire(import.meta.url)("#openapi.json");

/** Copies `node` with every local reference replaced by what it points to. */
// biome-ignore lint/suspicious/noExplicitAny: any part of a JSON document
export function dereference(node: any, root: any = node): any {
  if (Array.isArray(node)) return node.map((item) => dereference(item, root));
  if (node === null || typeof node !== "object") return node;
  if (typeof node.$ref === "string") {
    const keys: string[] = node.$ref.slice(2).split("/");
    return dereference(
      keys.reduce((parent, key) => parent[key.replaceAll("~1", "/").replaceAll("~0", "~")], root),
      root,
    );
  }
  return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, dereference(value, root)]));
}

/** The contract with every reference resolved. */
export const contract = dereference(document);

/** `/api/v1`: the path of the servers that the contract names. */
export const basePath = new URL(contract.servers[0].url).pathname;

/** The operations of the contract, in its order. */
export const operations: Operation[] = Object.entries<Record<string, unknown>>(contract.paths).flatMap(
  ([path, item]) =>
    Object.entries(item)
      .filter(([method]) => method !== "parameters")
      // biome-ignore lint/suspicious/noExplicitAny: an operation object, as the lint of the contract knows it
      .map(([method, operation]: [string, any]) => {
        const declared: Parameter[] = [
          ...((item.parameters as Parameter[]) ?? []),
          ...(operation.parameters ?? []),
        ];
        const parameters = declared.map((parameter) => {
          const pattern =
            parameter.in === "header" ? parameter.schema.pattern : parameter.schema["x-lexical-pattern"];
          return pattern === undefined ? parameter : { ...parameter, pattern: new RegExp(pattern) };
        });
        const { requestBody } = operation;
        return {
          operationId: operation.operationId,
          method: method.toUpperCase(),
          path: new RegExp(`^${basePath}${path.replace(/\{(\w+)\}/g, "(?<$1>[^/]+)")}$`),
          scope: operation["x-required-scopes"][0],
          parameters,
          headers: parameters.filter((parameter) => parameter.in === "header"),
          query: new Map(
            parameters
              .filter((parameter) => parameter.in === "query")
              .map((parameter) => [parameter.name, parameter]),
          ),
          ...(requestBody && {
            maxBodyBytes: requestBody["x-max-bytes"],
            bodySchema: requestBody.content["application/json"].schema,
          }),
          route: {
            expressRoute: path,
            openApiRoute: path,
            // The validator wants parameters that it can change, and no headers: those are checked
            // before the body is read, or mean nothing where they are wrong.
            schema: structuredClone({
              ...operation,
              parameters: declared.filter((parameter) => parameter.in !== "header"),
            }),
          },
        };
      }),
);

/** The scopes that a key can have. */
export const scopes = [...new Set(operations.map((operation) => operation.scope))];

/** How many queries are remembered as good, and how long one may be, in characters. */
const mostGoodQueries = 1_000;
const longestGoodQuery = 200;

/** Ready to check requests; compiles nothing yet. */
export function createContractCheck() {
  // Of the validator's middlewares only this one: route, method, key and media type were judged
  // before, in an order and with answers that the others cannot give.
  const middleware = OpenApiValidator.middleware({
    // biome-ignore lint/suspicious/noExplicitAny: a document that the lint has checked
    apiSpec: structuredClone(contract) as any,
    validateApiSpec: false,
    validateRequests: { allErrors: true },
    validateResponses: false,
    validateSecurity: false,
    fileUploader: false,
  }).find((handler) => handler.name === "requestMiddleware") as RequestHandler;

  /** Queries that were found good, as they are after the check: a check has no memory. */
  const goodQueries = new Map<string, Record<string, unknown>>();

  /**
   * Checks a request against its operation.
   * @returns its query and its body, with the contract's defaults
   * @throws {ApiError} 400 with the contract's message for the first wrong field
   */
  return async function checkRequest(
    operation: Operation,
    request: DecodedRequest,
  ): Promise<{ query: object; body: unknown }> {
    if (operation.bodySchema) return check(operation, request);
    if (operation.query.size === 0) return { query: request.query, body: undefined };
    // Of a request without a body, the contract has something to say of the query alone: a path
    // parameter may be any string. First pages repeat theirs, and the
    // validator's share of a small request was a fifth.
    const name = `${operation.operationId} ${JSON.stringify(request.query)}`;
    let query = goodQueries.get(name);
    if (!query) {
      query = (await check(operation, request)).query;
      if (goodQueries.size === mostGoodQueries) goodQueries.clear();
      if (name.length <= longestGoodQuery) goodQueries.set(name, query);
    }
    return { query, body: undefined };
  };

  async function check(operation: Operation, request: DecodedRequest) {
    // A request of its own, and not the one of Express: the validator then sees what was decoded,
    // and neither the raw query (it refuses characters that RFC 3986 allows there) nor the raw
    // Content-Type (it compiles and keeps a validator for each value).
    const seen = {
      method: operation.method,
      originalUrl: operation.route.openApiRoute,
      path: operation.route.openApiRoute,
      headers: operation.bodySchema ? { "content-type": "application/json" } : {},
      params: request.path,
      query: request.query,
      body: request.body,
      openapi: { ...operation.route, pathParams: request.path },
    };
    const failure = await new Promise<unknown>((resolve) => {
      Promise.resolve(middleware(seen as unknown as Request, {} as Response, resolve)).catch(resolve);
    });
    if (failure !== undefined)
      throw violation(operation, request, failure as { errors?: ContractViolation[] });
    return { query: seen.query as Record<string, unknown>, body: seen.body };
  }
}

interface ContractViolation {
  /** Where: `/query/cursor`, `/body/name`. */
  path: string;
  /** Which keyword: `pattern.openapi.validation`. */
  errorCode?: string;
}

/** The error that the contract gives for the first of what the validator found. */
function violation(
  operation: Operation,
  request: DecodedRequest,
  failure: { errors?: ContractViolation[] },
): unknown {
  const failedKeywords = (path: string) =>
    (failure.errors ?? [])
      .filter((error) => error.path === path)
      .map((error) => String(error.errorCode).split(".")[0] as string);

  for (const { name, schema } of operation.parameters) {
    const keywords = failedKeywords(`/query/${name}`);
    if (keywords.length > 0) return new ApiError(400, messageOf(schema, keywords), { field: name });
  }
  const { bodySchema } = operation;
  if (!bodySchema?.properties) return failure;
  const body = request.body as Record<string, unknown>;
  for (const [name, message] of Object.entries(bodySchema["x-refused-properties"] ?? {})) {
    if (Object.hasOwn(body, name)) return new ApiError(400, message as ContractMessage, { field: name });
  }
  for (const [name, schema] of Object.entries(bodySchema.properties)) {
    const keywords = failedKeywords(`/body/${name}`);
    if (keywords.includes("type") && body[name] === null) keywords.push("nullable");
    if (keywords.length > 0) return new ApiError(400, messageOf(schema, keywords), { field: name });
  }
  const unknown = Object.keys(body).find((name) => !Object.hasOwn(bodySchema.properties ?? {}, name));
  return unknown === undefined ? failure : new ApiError(400, messageOf(bodySchema, []), { field: unknown });
}

/** A message out of the contract; `npm run generate` has seen that it is among the examples. */
type ContractMessage = ConstructorParameters<typeof ApiError<400>>[1];

/** The message that stands beside the failed constraint; of several, the first that the contract lists. */
export function messageOf(schema: Schema, failedKeywords: string[]): ContractMessage {
  const messages = schema["x-error-message"];
  const message =
    typeof messages === "object"
      ? Object.entries(messages).find(([keyword]) => failedKeywords.includes(keyword))?.[1]
      : messages;
  return message as ContractMessage;
}
