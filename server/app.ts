/** The whole way of a request, from its first byte to its answer. */
import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import express from "express";
import type { Logger } from "pino";
import { createApiKeys } from "./apiKeys.ts";
import { createContractCheck, messageOf, type Operation, operations } from "./contract.ts";
import { createOperations } from "./customers.ts";
import type { Database } from "./database/connect.ts";
import { ApiError, ClientGoneError, type ErrorStatus, errorAnswer, type MessageOf } from "./errors.ts";
import type { OperationId, Reply } from "./operations.ts";
import { createPages, type Page } from "./pages.ts";
import { createRateLimits } from "./rateLimits.ts";
import * as requests from "./requests.ts";

export interface AppOptions {
  database: Database;
  log: Logger;
  /** For each key; 0 switches the rate limits off. */
  requestsPerMinute: number;
  /** Whether the server has been told to stop, and takes no new work. */
  isStopping(): boolean;
}

/** The Express application that answers everything. */
export function createApp({ database, log, requestsPerMinute, isStopping }: AppOptions): express.Express {
  const apiKeys = createApiKeys(database);
  const handlers = createOperations(database);
  const checkContract = createContractCheck();
  const limits = createRateLimits(requestsPerMinute, database);
  const pages = createPages(database, isStopping);
  /** The routes that were asked for so far; not shared, as the pages are those of this application. */
  const routes = new Map<string, Route>();

  const app = express();
  app.disable("x-powered-by");
  app.use(async (request, response) => {
    const startedAt = performance.now();
    const exchange: Exchange = { requestId: requestIdOf(request), headers: {} };
    exchange.headers = {
      "X-Request-Id": exchange.requestId,
      "X-Content-Type-Options": "nosniff",
      "Cache-Control": "private, no-cache",
    };
    response.on("close", () => {
      log.info(
        {
          requestId: exchange.requestId,
          method: request.method,
          operationId: exchange.operationId,
          company: exchange.companyId,
          status: response.statusCode,
          durationInMilliseconds: Math.round((performance.now() - startedAt) * 100) / 100,
          ...(!response.writableFinished && { aborted: true }),
        },
        "request",
      );
    });
    try {
      await answer(request, response, exchange);
    } catch (thrown) {
      if (thrown instanceof ClientGoneError) return response.destroy();
      const error = errorAnswer(thrown, log.child({ requestId: exchange.requestId }));
      if (response.headersSent) return response.destroy();
      send(request, response, exchange, error.status, error.headers, error.body);
    }
  });
  return app;

  async function answer(
    request: express.Request,
    response: express.Response,
    exchange: Exchange,
  ): Promise<void> {
    if (request.headers.host === undefined && request.httpVersion !== "1.0")
      throw new ApiError(400, "Malformed request.");
    const { path, query } = requests.targetOf(request.url);

    const route = routeOf(path, pages, routes);
    if (!route) throw new ApiError(404, "Not found.");
    const allow = { Allow: route.methods.join(", ") };
    if (request.method === "OPTIONS") return send(request, response, exchange, 204, allow);
    const target = route.targets.get(request.method === "HEAD" ? "GET" : request.method);
    if (!target) throw new ApiError(405, "Method not allowed.", { headers: allow });
    if (typeof target === "function") return target(request, response.set(exchange.headers));
    const operation = target;
    exchange.operationId = operation.operationId;

    const key = await apiKeys.check(request.headers.authorization).catch(async (refusal) => {
      const wasShown = refusal instanceof ApiError && refusal.message.includes("invalid");
      if (refusal instanceof ApiError)
        await limits.countFailedKey(request.socket.remoteAddress ?? "", wasShown ? 1 : 0);
      throw refusal;
    });
    exchange.companyId = key.companyId;
    Object.assign(exchange.headers, await limits.countRequest(key.id));
    if (!key.scopes.includes(operation.scope)) {
      throw new ApiError(403, `This API key lacks the ${operation.scope} scope.`, {
        headers: {
          "WWW-Authenticate": `Bearer realm="Distribu Customers API", error="insufficient_scope", scope="${operation.scope}"`,
        },
      });
    }

    if (operation.maxBodyBytes !== undefined) {
      requests.requireJson(request);
      requests.requireLength(request, operation.maxBodyBytes);
    }
    const decoded = {
      path: requests.decodePath(operation.path.exec(path)?.groups),
      query: requests.decodeQuery(operation, query),
      body: undefined as unknown,
    };
    const headers = headersOf(operation, request);
    let rawBody: Uint8Array = new Uint8Array();
    if (operation.maxBodyBytes !== undefined) {
      rawBody = await requests.readBody(request, response, operation.maxBodyBytes);
      decoded.body = requests.parseJsonObject(rawBody);
    }
    await checkContract(operation, decoded);

    const handle = handlers[operation.operationId] as (call: unknown) => Promise<Reply<OperationId>>;
    const {
      status,
      body,
      headers: replyHeaders = {},
    } = await handle({
      ...decoded,
      headers,
      rawBody,
      companyId: key.companyId,
      error: (status: ErrorStatus, message: string) =>
        new ApiError(status, message as MessageOf<ErrorStatus>),
    });
    send(request, response, exchange, status, replyHeaders, body);
  }
}

/** What is known of a request so far; it goes into the answer's headers and into the log. */
interface Exchange {
  requestId: string;
  headers: Record<string, string>;
  operationId?: OperationId;
  companyId?: string;
}

interface Route {
  targets: Map<string, Operation | Page>;
  /** For `Allow`. */
  methods: string[];
}

/** What a path offers. Paths are exact: another case or a trailing slash is another path. */
function routeOf(path: string, pages: Record<string, Page>, routes: Map<string, Route>): Route | undefined {
  const page = Object.hasOwn(pages, path) ? pages[path] : undefined;
  const pattern = page ? path : operations.find((operation) => operation.path.test(path))?.route.openApiRoute;
  if (pattern === undefined) return undefined;
  let route = routes.get(pattern);
  if (!route) {
    const targets = new Map<string, Operation | Page>(
      page
        ? [["GET", page]]
        : operations
            .filter(({ route }) => route.openApiRoute === pattern)
            .map((operation) => [operation.method, operation]),
    );
    route = {
      targets,
      methods: [...targets.keys()]
        .flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : [method]))
        .concat("OPTIONS"),
    };
    routes.set(pattern, route);
  }
  return route;
}

/** The caller's request id where it can be logged as it is, else a new one. */
export function requestIdOf(request: IncomingMessage): string {
  const given = request.headers["x-request-id"];
  return typeof given === "string" && /^[A-Za-z0-9._-]{1,128}$/.test(given) ? given : randomUUID();
}

/**
 * The headers that the contract gives the operation, by its names.
 * @throws {ApiError} 400 when one breaks its pattern
 */
function headersOf(operation: Operation, request: IncomingMessage): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const { name, schema } of operation.parameters.filter((parameter) => parameter.in === "header")) {
    const value = request.headers[name.toLowerCase()];
    if (value === undefined) continue;
    if (schema.pattern && !new RegExp(schema.pattern).test(String(value))) {
      throw new ApiError(400, messageOf(schema, ["pattern"]), { field: name });
    }
    headers[name] = String(value);
  }
  return headers;
}

/** Sends an answer: JSON where there is a body, text as it is where it is JSON already. */
function send(
  request: express.Request,
  response: express.Response,
  exchange: Exchange,
  status: number,
  headers: Record<string, string>,
  body?: unknown,
): void {
  const all: Record<string, string | number> = {
    ...exchange.headers,
    ...headers,
  };
  // A client that still waits for 100 Continue would send its next request, or the body: nobody
  // can tell which.
  if (requests.expectsContinue(request) && !response.writableEnded && !request.complete)
    all.Connection = "close";
  if (body === undefined) {
    response.writeHead(status, all).end();
    return;
  }
  const text = typeof body === "string" ? body : JSON.stringify(body);
  all["Content-Type"] = "application/json";
  all["Content-Length"] = Buffer.byteLength(text);
  response.writeHead(status, all).end(text);
}
