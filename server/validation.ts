/** Requests validated against the contract by express-openapi-validator, with the contract's error messages. */
import express from "express";
import { OpenApiValidator } from "express-openapi-validator/dist/openapi.validator.js";
import { basePath, contract, type Operation, operations, orderPaths, type Parameter } from "./contract.ts";
import type { Handler } from "./exchange.ts";
import { findFirstError, type Violation } from "./violations.ts";

/**
 * How many validated requests without a body are remembered, and up to which length of their parameters: the validator
 * compiles the patterns of all paths for each request, and goes through a promise for each of its middlewares.
 */
const memo = { entries: 1_000, characters: 200 };

/**
 * Makes handlers that validate path, query and body of an operation's requests, and fill in the contract's defaults.
 * Method, key, media type and headers are checked before, in the contract's order.
 */
export function createValidation(): (operation: Operation) => Handler {
  const validator = express.Router().use(...createMiddlewares());
  /** The queries of requests that passed, as they were then: validating them again would give the same. */
  const passed = new Map<string, Record<string, unknown>>();

  return (operation) => {
    const constrained = operation.parameters.filter(isConstrained);
    return (request, response, next) => {
      const { exchange } = response.locals;
      let memoKey = "";
      if (operation.bodySchema) {
        request.body = exchange.body;
        // The validator compiles, and keeps, schemas for each value of this header; ours was checked.
        request.headers["content-type"] = "application/json";
      } else {
        const path = constrained.map(({ name }) => exchange.path[name]);
        memoKey = JSON.stringify([operation.operationId, path, exchange.query]);
        const query = passed.get(memoKey);
        if (query) {
          exchange.query = query;
          return next();
        }
        delete request.headers["content-type"];
      }
      // Express parses the query anew at each use, and in another way.
      Object.defineProperty(request, "query", {
        value: exchange.query,
        configurable: true,
        enumerable: true,
      });
      validator(request, response, (thrown?: unknown) => {
        if (isViolation(thrown))
          return next(findFirstError(operation, thrown.errors, exchange.body) ?? thrown);
        if (memoKey !== "" && memoKey.length <= memo.characters && !thrown) {
          if (passed.size === memo.entries) passed.clear();
          passed.set(memoKey, exchange.query);
        }
        next(thrown);
      });
    };
  };
}

/**
 * The validator's middlewares. Its public `middleware()` does the same with what its loader makes of a document, but
 * compiles OpenAPI's own schema at each start, even with `validateApiSpec: false`, which takes a quarter of the start.
 */
function createMiddlewares(): express.RequestHandler[] {
  const apiDoc = prepareDocument();
  const validator = new OpenApiValidator({
    apiSpec: apiDoc,
    validateRequests: { allErrors: true },
    validateSecurity: false,
    fileUploader: false,
    // With `originalUrl`, nothing would match where the API is mounted below a prefix.
    useRequestUrl: true,
  });
  const routes = orderPaths(operations).flatMap(({ template, route }) =>
    Object.keys(apiDoc.paths[template] ?? {}).map((method) => ({
      basePath,
      openApiRoute: basePath + template,
      expressRoute: route,
      method: method.toUpperCase(),
      pathParams: [...template.matchAll(/\{(\w+)\}/g)].map(([, name]) => name as string),
    })),
  );
  return validator.installMiddleware(Promise.resolve({ apiDoc, basePaths: [basePath], routes, serial: 1 }));
}

/** Whether an error is the validator's, with what it found. */
function isViolation(thrown: unknown): thrown is { errors: Violation[] } {
  return Array.isArray((thrown as { errors?: unknown } | undefined)?.errors);
}

/** The parts of the contract that the validator needs: it would include everything else in each schema. */
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
