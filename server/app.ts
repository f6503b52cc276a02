/** The Express application: the path of a request from the first middleware to the response. */
import "./requireNode.ts";
import cors from "cors";
import express, { type IRouter } from "express";
import { createApiKeys } from "./apiKeys.ts";
import { authenticate, limitRate, requireScope } from "./authentication.ts";
import { startCleanup } from "./cleanup.ts";
import { type Options, readOptions } from "./config.ts";
import { basePath, operations, orderPaths } from "./contract.ts";
import { createOperations } from "./customers.ts";
import { connectDatabase } from "./database/connect.ts";
import { explainConnectError } from "./database/connectError.ts";
import type { Database } from "./database/database.ts";
import { createDriftCheck } from "./driftCheck.ts";
import { ApiError, SchemaError, serializeError, UnavailableError } from "./errors.ts";
import { createExchanges, type Handler, type Observers } from "./exchange.ts";
import { createLog } from "./log.ts";
import { openLogDestination } from "./logDestination.ts";
import { perform } from "./operations.ts";
import { createPages, type Page, toDocs } from "./pages.ts";
import { createRateLimits } from "./rateLimits.ts";
import { readBody, readParameters } from "./requestParsing.ts";
import { createValidation } from "./validation.ts";

export interface AppOptions extends Observers {
  database: Database;
  /** The limit of each key; 0 disables rate limits. */
  requestsPerMinute: number;
  /** The maximum number of customers of a company. */
  maxCustomersPerCompany?: number | false;
  /** Origins whose pages may call the API from a browser. */
  corsOrigins?: string[] | false;
  /** The public URL of the server, without `/api/v1`. */
  publicUrl?: string | false;
  /** Express's `trust proxy`. */
  trustProxy?: number | string[] | false;
  /** Whether the server is stopping, and therefore not ready. */
  isStopping?(): boolean;
}

/** Creates the application that serves the API, its pages, and a JSON 404 for any other path. */
export function createApp(options: AppOptions): express.Express {
  const { database, trustProxy, publicUrl, isStopping = () => false } = options;
  const app = express();
  app.disable("x-powered-by");
  // Paths are exact.
  app.enable("case sensitive routing");
  app.enable("strict routing");
  if (trustProxy) app.set("trust proxy", trustProxy);
  return addMiddlewares(
    app,
    options,
    { "/": toDocs, ...createPages(database, isStopping, publicUrl) },
    () => true,
  );
}

/**
 * Creates the API as a router, to be mounted in an Express application. It handles everything below `/api/v1`, and the
 * pages `/docs`, `/openapi.json`, `/openapi.yaml`, `/healthz` and `/readyz`, but nothing else.
 * @param options the environment variables in camelCase; `pages: false` omits the pages
 * @returns the router, and a function that closes the database, to call once the server has closed
 * @throws {ConfigError} when an option is invalid
 * @throws {UnavailableError} when the database cannot be reached; its message names host, port and cause
 * @throws {SchemaError} when the database has an unknown schema or encoding
 */
export async function createCustomersApi({
  pages: hasPages = true,
  ...given
}: Options & { pages?: boolean } = {}): Promise<{ router: express.Router; close(): Promise<void> }> {
  const {
    database: connection,
    logLevel,
    logFormat,
    requestsPerMinute,
    maxCustomersPerCompany,
    corsOrigins,
    publicUrl,
    driftCheckOneIn,
    auditRetentionDays,
  } = readOptions(given);
  const logDestination = openLogDestination((droppedLines) =>
    log.warn({ droppedLines }, "log lines were dropped because standard output did not accept them"),
  );
  const log = await createLog({ logLevel, logFormat }, logDestination);
  const driftCheck = driftCheckOneIn > 0 ? await createDriftCheck(driftCheckOneIn, log) : undefined;
  const database = await connectDatabase(connection).catch((error) => {
    logDestination.close();
    if (error instanceof SchemaError) throw error;
    throw new UnavailableError(explainConnectError(connection.url, error), { cause: error });
  });
  const stopCleanup = startCleanup(database, log, auditRetentionDays);
  const pages = hasPages ? createPages(database, () => false, publicUrl) : {};
  const router = addMiddlewares(
    express.Router({ caseSensitive: true, strict: true }),
    { database, log, requestsPerMinute, maxCustomersPerCompany, corsOrigins, publicUrl, driftCheck },
    pages,
    (path) => path === basePath || path.startsWith(`${basePath}/`) || Object.hasOwn(pages, path),
  );
  return {
    router,
    async close() {
      stopCleanup();
      await database.close();
      logDestination.close();
    },
  };
}

/**
 * Adds the middlewares and routes in the order in which requests pass through them; `isOurs` selects the API's paths.
 */
function addMiddlewares<Target extends IRouter>(
  target: Target,
  options: AppOptions,
  pages: Record<string, Page>,
  isOurs: (path: string) => boolean,
): Target {
  const log = options.log.child({}, { serializers: { err: serializeError } });
  const { metrics, tracing, requestsPerMinute, corsOrigins, publicUrl } = options;
  const database = metrics?.measureDatabase(options.database) ?? options.database;
  const { beginExchange, handleErrors } = createExchanges({ ...options, log }, isOurs);
  const apiKeys = createApiKeys(database);
  const limits = requestsPerMinute > 0 ? createRateLimits(requestsPerMinute, database) : undefined;
  const validate = createValidation();
  const publicPath = publicUrl ? new URL(publicUrl).pathname : undefined;
  const handlers = createOperations(database, publicPath, options.maxCustomersPerCompany);

  target.use(beginExchange);
  if (corsOrigins) target.use(basePath, allowOrigins(corsOrigins));
  for (const path of orderPaths(operations)) {
    const route = target.route(path.route);
    for (const operation of path.operations) {
      const method = operation.method.toLowerCase() as "get" | "post" | "patch";
      const setOperation: Handler = (_request, response, next) => {
        response.locals.exchange.operation = operation;
        tracing?.nameSpan(operation);
        next();
      };
      route[method](
        setOperation,
        authenticate(apiKeys, limits),
        limits ? limitRate(limits) : [],
        requireScope(operation),
        readParameters(operation),
        operation.maxBodyBytes === undefined ? [] : readBody(operation.maxBodyBytes),
        validate(operation),
        perform(handlers, operation.operationId),
      );
    }
    finishRoute(
      route,
      path.operations.map(({ method }) => method),
    );
  }
  for (const [path, page] of Object.entries(pages))
    finishRoute(target.route(path).get(setHeaders, page), ["GET"]);
  target.use(notFound, handleErrors);
  return target;
}

/** Completes a route after its methods: OPTIONS lists them and needs no key; any other method gets a 405. */
function finishRoute(route: express.IRoute, methods: string[]): void {
  const allowed = methods.flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : [method]));
  const Allow = [...allowed, "OPTIONS"].join(", ");
  const sendMethods: Handler = (_request, response) => response.locals.exchange.send(204, { Allow });
  const rejectMethod: Handler = () => {
    throw new ApiError(405, "Method not allowed.", { headers: { Allow } });
  };
  route.options(sendMethods).all(rejectMethod);
}

/** Allows pages of other origins to call the API. A preflight request continues to the OPTIONS handler of the route. */
function allowOrigins(origin: string[]): express.RequestHandler {
  const exposedHeaders =
    "ETag, Idempotent-Replayed, Location, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, Retry-After, X-Request-Id";
  const allowedHeaders =
    "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, X-Request-Id";
  return cors({ origin, exposedHeaders, allowedHeaders, maxAge: 600, preflightContinue: true });
}

/** Passes the headers to Express, which sends the pages. */
const setHeaders: Handler = (_request, response, next) => {
  response.set(response.locals.exchange.headers as Record<string, string>);
  next();
};

const notFound: Handler = () => {
  throw new ApiError(404, "Not found.");
};
