/** Requests validated against the contract by express-openapi-validator, with the contract's error messages. */
import type { ErrorRequestHandler, RequestHandler } from "express";
import { middleware as createMiddlewares } from "express-openapi-validator";
import { basePath, contract, type Operation, operations, type Parameter } from "./contract.ts";
import type { Exchange, Handler } from "./exchange.ts";
import { findFirstError, type Violation } from "./violations.ts";

/** How many validated requests without a body are remembered, and up to which length of their parameters. */
const memo = { entries: 1_000, characters: 200 };

/** Makes the middlewares that validate the requests of an operation. */
export type Validate = (operation: Operation) => (Handler | ErrorRequestHandler)[];

/**
 * Validates path, query and body, and fills in the contract's defaults. Method, key, media type and headers are
 * checked before, in the contract's order.
 */
export function createValidation(): Validate {
  const middlewares = createMiddlewares({
    apiSpec: prepareDocument(),
    // The lint of the contract has validated it.
    validateApiSpec: false,
    validateRequests: { allErrors: true },
    validateSecurity: false,
    fileUploader: false,
    // With `originalUrl`, nothing would match where the API is mounted below a prefix.
    useRequestUrl: true,
  });
  /** Requests that passed, as they were then: validating them again would give the same. */
  const passed = new Map<string, Record<string, unknown>>();

  return (operation) => [
    present(operation, passed),
    ...middlewares.map(unlessValidated),
    remember(passed),
    translateViolations(operation),
  ];
}

/** What the validator needs of the contract: it would carry whatever else there is through every schema. */
function prepareDocument() {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const { template, method, parameters, bodySchema } of operations) {
    paths[template] ??= {};
    paths[template][method.toLowerCase()] = {
      parameters: parameters
        // Headers are validated before the body is read; those that the contract does not use mean nothing.
        .filter((parameter) => parameter.in === "query" || isConstrained(parameter))
        // It would reject a raw `@` or `+`, which RFC 3986 allows in a query, in the raw text of the URL.
        .map((parameter) => ({ ...parameter, pattern: undefined, allowReserved: parameter.in === "query" })),
      ...(bodySchema && {
        requestBody: { required: true, content: { "application/json": { schema: bodySchema } } },
      }),
      responses: {},
    };
  }
  // It knows only the methods that a path lists.
  for (const item of Object.values(paths)) if (item.get) item.head = item.get;
  const { openapi, info } = contract;
  // It matches absolute URLs by their path alone, and there is one. It changes each schema in place, so none is shared.
  return JSON.parse(JSON.stringify({ openapi, info, servers: [{ url: basePath }], paths }));
}

/** Whether it is a path parameter that a value may violate: most may be any text. */
function isConstrained({ in: place, schema }: Parameter): boolean {
  return place === "path" && Object.keys(schema).some((keyword) => keyword !== "type");
}

/**
 * Presents the request to the validator as it was decoded, unless one like it has passed: the validator compiles
 * the patterns of all paths for each request, and goes through a promise for each of its middlewares.
 */
function present(operation: Operation, passed: Map<string, Record<string, unknown>>): Handler {
  const constrained = operation.parameters.filter(isConstrained);
  return (request, response, next) => {
    const { exchange } = response.locals;
    if (operation.bodySchema === undefined) {
      const path = constrained.map(({ name }) => exchange.path[name]);
      exchange.memoKey = JSON.stringify([operation.operationId, path, exchange.query]);
      const query = passed.get(exchange.memoKey);
      if (query) {
        exchange.query = query;
        exchange.isValidated = true;
        return next();
      }
      delete request.headers["content-type"];
    } else {
      request.body = exchange.body;
      // The validator compiles, and keeps, schemas for each value of this header; ours was checked.
      request.headers["content-type"] = "application/json";
    }
    // Express parses the query anew at each use, and in another way.
    Object.defineProperty(request, "query", { value: exchange.query, configurable: true, enumerable: true });
    next();
  };
}

function unlessValidated(middleware: RequestHandler): Handler {
  return (request, response, next) =>
    response.locals.exchange.isValidated
      ? next()
      : middleware(request as Parameters<RequestHandler>[0], response, next);
}

function remember(passed: Map<string, Record<string, unknown>>): Handler {
  return (_request, response, next) => {
    const { memoKey, query, isValidated }: Exchange = response.locals.exchange;
    if (!isValidated && memoKey !== undefined && memoKey.length <= memo.characters) {
      if (passed.size === memo.entries) passed.clear();
      passed.set(memoKey, query);
    }
    next();
  };
}

/** Turns what the validator found into the contract's error for the first wrong parameter or field. */
function translateViolations(operation: Operation): ErrorRequestHandler {
  return (thrown: { errors?: Violation[] }, _request, response, next) => {
    const isViolation = Array.isArray(thrown?.errors);
    next(
      isViolation
        ? (findFirstError(operation, thrown.errors ?? [], response.locals.exchange.body) ?? thrown)
        : thrown,
    );
  };
}
