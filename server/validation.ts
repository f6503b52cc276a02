/** Validates requests against the contract with express-openapi-validator, and with the contract's error messages. */
import express from "express";
import { OpenApiValidator } from "express-openapi-validator/dist/openapi.validator.js";
import {
  basePath,
  contract,
  operations as contractOperations,
  type Operation,
  orderPaths,
  type Parameter,
} from "./contract.ts";
import type { Handler } from "./exchange.ts";
import { dropFurtherUnknownFields, findFirstError, type Violation } from "./violations.ts";

/**
 * How many validated requests without a body are remembered, and the maximum length of the key under which each is. They
 * are remembered because the validator compiles the patterns of all paths for each request and awaits a promise in each
 * of its middlewares: without this, a get takes 430 instead of 302 microseconds of CPU time.
 */
const memo = { entries: 1_000, characters: 200 };

/**
 * Creates handlers that validate path, query and body of an operation's requests, and add the contract's defaults.
 * Method, key, media type and headers are checked earlier, in the contract's order.
 * @param operations the operations whose requests can be validated
 */
export function createValidation(operations = contractOperations): (operation: Operation) => Handler {
  const validator = express.Router().use(...createMiddlewares(operations));
  /** The validated queries of requests that passed: validating the same request again gives the same result. */
  const passed = new Map<string, Record<string, unknown>>();

  return (operation) => {
    const constrained = operation.parameters.filter(isConstrained);
    const splitQuery = createQuerySplitter(operation);
    return (request, response, next) => {
      const { exchange } = response.locals;
      let memoKey: string | undefined;
      if (operation.bodySchema) {
        request.body = dropFurtherUnknownFields(operation.bodySchema, exchange.body);
        // The validator compiles and keeps schemas for each distinct value of this header, which has already been
        // checked.
        request.headers["content-type"] = "application/json";
      } else {
        const path = constrained.map(({ name }) => exchange.path[name]);
        const { matching, others } = splitQuery(exchange.query);
        memoKey = JSON.stringify([operation.operationId, path, Object.keys(matching), others]);
        const query = passed.get(memoKey);
        if (query) {
          exchange.query = { ...query, ...matching };
          return next();
        }
        // Without a body, any Content-Type is allowed; the validator would compile and keep schemas for each.
        delete request.headers["content-type"];
      }
      // Express's getter parses the query again on each use, and differently.
      Object.defineProperty(request, "query", { value: exchange.query, configurable: true });
      validator(request, response, (thrown?: unknown) => {
        if (isViolation(thrown))
          return next(findFirstError(operation, thrown.errors, exchange.body) ?? thrown);
        if (!thrown && memoKey !== undefined && memoKey.length <= memo.characters) {
          if (passed.size === memo.entries) passed.clear();
          passed.set(memoKey, exchange.query);
        }
        next(thrown);
      });
    };
  };
}

/**
 * Creates the validator's middlewares. Its public `middleware()` does the same, but its loader compiles OpenAPI's own
 * schema even with `validateApiSpec: false`, which takes a quarter of the startup time.
 */
function createMiddlewares(operations: Operation[]): express.RequestHandler[] {
  const apiDoc = prepareDocument(operations);
  const validator = new OpenApiValidator({
    apiSpec: apiDoc,
    validateRequests: { allErrors: true },
    validateSecurity: false,
    fileUploader: false,
    // With `originalUrl`, no path would match if the API is mounted below a prefix.
    useRequestUrl: true,
  });
  const routes = orderPaths(operations).flatMap(({ template, route }) =>
    Object.keys(apiDoc.paths[template] ?? {}).map((method) => ({
      basePath,
      openApiRoute: basePath + template,
      expressRoute: route,
      method: method.toUpperCase(),
      // It would copy them to `req.params`, where Express has already put them.
      pathParams: [],
    })),
  );
  return validator.installMiddleware(Promise.resolve({ apiDoc, basePaths: [basePath], routes, serial: 1 }));
}

/**
 * Returns a function that splits a query: into the values that match their parameter's pattern, where that is its only
 * constraint, and the others. The memo ignores the former, because each page of a list has another cursor. This saves a
 * fifth of the CPU time of a page.
 */
function createQuerySplitter({ query: parameters }: Operation) {
  const patterns: [name: string, pattern: RegExp][] = [];
  for (const [name, { schema }] of parameters) {
    const keywords = Object.keys(schema).filter((keyword) => !keyword.startsWith("x-"));
    if (schema.type === "string" && schema.pattern !== undefined && keywords.length === 2)
      // Compiled as ajv compiles it.
      patterns.push([name, new RegExp(schema.pattern, "u")]);
  }
  return (query: Record<string, unknown>) => {
    const matching: Record<string, unknown> = {};
    const others = { ...query };
    for (const [name, pattern] of patterns) {
      const value = query[name];
      if (typeof value !== "string" || !pattern.test(value)) continue;
      matching[name] = value;
      delete others[name];
    }
    return { matching, others };
  };
}

/** Whether an error is the validator's, with a list of violations. */
function isViolation(thrown: unknown): thrown is { errors: Violation[] } {
  return Array.isArray((thrown as { errors?: unknown } | undefined)?.errors);
}

/** Builds a contract with only the parts that the validator needs: it copies everything else into each schema. */
function prepareDocument(operations: Operation[]) {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const { template, method, parameters, bodySchema } of operations) {
    paths[template] ??= {};
    paths[template][method.toLowerCase()] = {
      parameters: parameters
        // Header parameters are validated before the body is read; other headers are ignored.
        .filter((parameter) => parameter.in === "query" || isConstrained(parameter))
        // Otherwise it would reject a raw `@` or `+` in the query, which RFC 3986 allows.
        // `pattern` is a RegExp of ours, not part of OpenAPI.
        .map((parameter) => ({ ...parameter, pattern: undefined, allowReserved: true })),
      ...(bodySchema && {
        requestBody: { content: { "application/json": { schema: bodySchema } } },
      }),
      responses: {},
    };
  }
  // It accepts only the methods that a path lists.
  for (const item of Object.values(paths)) item.head = item.get;
  const { openapi, info } = contract;
  // It modifies schemas, so none may be shared.
  return JSON.parse(JSON.stringify({ openapi, info, paths }));
}

/** Whether a parameter is a path parameter with constraints: most accept any text. */
function isConstrained({ in: place, schema }: Parameter): boolean {
  return place === "path" && Object.keys(schema).some((keyword) => keyword !== "type");
}
