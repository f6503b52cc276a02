/** The check of a request against its operation, by express-openapi-validator. */
import type { Request, RequestHandler, Response } from "express";
import { OpenApiValidator } from "express-openapi-validator/dist/openapi.validator.js";
import { basePath, type ContractMessage, contract, messageOf, type Operation } from "./contract.ts";
import { ApiError } from "./errors.ts";

/** What of a request has been decoded and is to be checked. */
export interface DecodedRequest {
  path: Record<string, string>;
  query: Record<string, string>;
  body: unknown;
}

/** How many queries are remembered as good, and how long one may be, in characters. */
const mostGoodQueries = 1_000;
const longestGoodQuery = 200;

/** Ready to check requests; compiles nothing yet. */
export function createRequestCheck() {
  // The validator itself, and not what its package exports: that loads parsers of YAML and of references
  // and, asked not to check the document, yet compiles the schema of all OpenAPI documents. It took a
  // third of the start.
  // biome-ignore lint/suspicious/noExplicitAny: a document that the lint has checked
  const apiDoc = structuredClone(contract) as any;
  const validator = new OpenApiValidator({
    apiSpec: apiDoc,
    validateRequests: { allErrors: true },
    validateSecurity: false,
    fileUploader: false,
  });
  // Of its middlewares only this one: route, method, key and media type were judged before, in an order
  // and with answers that the others cannot give.
  const middleware = validator
    .installMiddleware(Promise.resolve({ apiDoc, basePaths: [basePath], routes: [], serial: 0 }))
    .find((handler) => handler.name === "requestMiddleware") as unknown as RequestHandler;

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
    // parameter may be any string. First pages repeat theirs, and the validator's share of a small
    // request was a fifth.
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
  for (const [name, message] of Object.entries(bodySchema["x-rejected-properties"] ?? {})) {
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
