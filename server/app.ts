/** The whole way of a request, from its first byte to its answer. */
import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import express from "express";
import type { Logger } from "pino";
import { createApiKeys, tokenOf, unauthorized } from "./apiKeys.ts";
import type { Operation } from "./contract.ts";
import { createOperations } from "./customers.ts";
import type { Database } from "./database/database.ts";
import type { DriftCheck } from "./driftCheck.ts";
import {
  ApiError,
  ClientGoneError,
  type ErrorStatus,
  errorAnswer,
  type MessageOf,
  UnavailableError,
} from "./errors.ts";
import type { Metrics } from "./metrics.ts";
import type { OperationId, Reply } from "./operations.ts";
import { createPages } from "./pages.ts";
import { createRateLimits } from "./rateLimits.ts";
import * as requests from "./requestParsing.ts";
import { createRoutes } from "./routes.ts";
import { createRequestCheck } from "./validation.ts";

/**
 * How long a request may take for all of its statements together before it is answered 503, without
 * the time in which its body comes. What it had begun may still take effect, as with any 503.
 */
const patienceInMilliseconds = 1_750;

/** How often requests are looked at whose time may be up. */
const lookIntervalInMilliseconds = 50;

export interface AppOptions {
  database: Database;
  log: Logger;
  /** For each key; 0 switches the rate limits off. */
  requestsPerMinute: number;
  /** Counts what happens, where somebody wants to know. */
  metrics?: Metrics | undefined;
  /** Looks at answers that have been sent. */
  driftCheck?: DriftCheck | undefined;
  /** Is told the operation of each request, within its trace. */
  nameSpan?: ((operation: Operation) => void) | undefined;
  /** Whether the server has been told to stop, and takes no new work. */
  isStopping(): boolean;
}

/** The Express application that answers everything. */
export function createApp(options: AppOptions): express.Express {
  const { log, requestsPerMinute, metrics, driftCheck, nameSpan, isStopping } = options;
  const database = metrics?.ofDatabase(options.database) ?? options.database;
  const apiKeys = createApiKeys(database);
  const handlers = createOperations(database);
  const checkRequest = createRequestCheck();
  const limits = createRateLimits(requestsPerMinute, database);
  const matchOf = createRoutes(createPages(database, isStopping));

  /**
   * The requests that are being answered. No Set: each table that V8 gives it points to the next, so one that has
   * grown old keeps all later ones, with their requests, from being collected as young (130 MB for 150 after
   * 100,000 requests).
   */
  const open: Exchange[] = [];
  // A timer for each of them would take a seventeenth of the CPU time of a point read.
  setInterval(() => {
    const now = performance.now();
    for (const exchange of open) if (exchange.deadline <= now) exchange.giveUp();
  }, lookIntervalInMilliseconds).unref();

  const app = express();
  app.disable("x-powered-by");
  // In place of Express's own handle(), which would take each request through a router, to the one
  // function that there is: an eighth of the CPU time of a point read.
  Object.assign(app, { handle });
  return app;

  async function handle(request: express.Request, response: express.Response): Promise<void> {
    const startedAt = performance.now();
    const exchange: Exchange = {
      deadline: startedAt + patienceInMilliseconds,
      requestId: requestIdOf(request),
      headers: {},
      giveUp: () => fail(new UnavailableError("the request took too long")),
    };
    exchange.headers = {
      "X-Request-Id": exchange.requestId,
      "X-Content-Type-Options": "nosniff",
      "Cache-Control": "private, no-cache",
    };
    metrics?.requestBegan();
    response.on("close", () => {
      const milliseconds = performance.now() - startedAt;
      const status = response.headersSent ? response.statusCode : undefined;
      metrics?.requestEnded(exchange, status, milliseconds / 1_000);
      driftCheck?.(request, exchange);
      log.info(
        {
          requestId: exchange.requestId,
          method: request.method,
          operationId: exchange.operationId,
          company: exchange.companyId,
          status,
          durationInMilliseconds: Math.round(milliseconds * 100) / 100,
          ...(!response.writableFinished && { aborted: true }),
        },
        "request",
      );
    });
    open.push(exchange);
    try {
      await answer(request, response, exchange);
    } catch (thrown) {
      fail(thrown);
    } finally {
      open.splice(open.indexOf(exchange), 1);
    }

    function fail(thrown: unknown): void {
      const wasGivenUp = response.writableEnded;
      if (thrown instanceof ClientGoneError) return void (wasGivenUp || response.destroy());
      // It logs the cause, also of what fails after the answer.
      const { status, headers, body } = errorAnswer(thrown, exchange.requestId, log);
      if (wasGivenUp) return;
      if (response.headersSent) return void response.destroy();
      send(request, response, exchange, status, headers, body);
    }
  }

  async function answer(
    request: express.Request,
    response: express.Response,
    exchange: Exchange,
  ): Promise<void> {
    if (request.headers.host === undefined && request.httpVersion !== "1.0")
      throw new ApiError(400, "Malformed request.");
    const { path, query } = requests.targetOf(request.url);

    const match = matchOf(path);
    if (!match) throw new ApiError(404, "Not found.");
    const { route, parameters } = match;
    if (request.method === "OPTIONS") return send(request, response, exchange, 204, { Allow: route.allow });
    const target = route.targets.get(request.method === "HEAD" ? "GET" : request.method);
    if (!target) throw new ApiError(405, "Method not allowed.", { headers: { Allow: route.allow } });
    if (typeof target === "function") {
      request.res = response;
      return target(request, response.set(exchange.headers));
    }
    const operation = target;
    exchange.operationId = operation.operationId;
    nameSpan?.(operation);

    const key = await apiKeys.find(request.headers.authorization);
    if (!key) throw await refusalOf(request);
    exchange.companyId = key.companyId;
    if (limits) Object.assign(exchange.headers, await limits.countRequest(key.id));
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
      path: requests.decodePath(parameters),
      query: requests.decodeQuery(operation, query),
      body: undefined as unknown,
    };
    const headers = requests.headersOf(operation, request);
    let rawBody = noBytes;
    if (operation.maxBodyBytes !== undefined) {
      const left = exchange.deadline - performance.now();
      exchange.deadline = Number.POSITIVE_INFINITY;
      rawBody = await requests.readBody(request, response, operation.maxBodyBytes);
      exchange.deadline = performance.now() + left;
      decoded.body = requests.parseJsonObject(rawBody);
    }
    const checked = await checkRequest(operation, decoded);
    // It was given up meanwhile, and shall not take effect after its 503.
    if (response.writableEnded) return;

    const handle = handlers[operation.operationId] as (call: unknown) => Promise<Reply<OperationId>>;
    const {
      status,
      body,
      headers: replyHeaders = {},
    } = await handle({
      path: decoded.path,
      ...checked,
      headers,
      rawBody,
      companyId: key.companyId,
      keyId: key.id,
      error,
    });
    send(request, response, exchange, status, replyHeaders, body);
  }

  /** The answer to a request without a live key: 401, or 429 where its address has shown too many. */
  async function refusalOf({ headers, socket }: express.Request): Promise<ApiError> {
    const wasShown = tokenOf(headers.authorization) !== undefined;
    // Only keys that were shown count, but an address over its limit is told so in any case.
    await limits?.countFailedKey(socket.remoteAddress ?? "", wasShown ? 1 : 0);
    return unauthorized(wasShown);
  }
}

const noBytes: Uint8Array = new Uint8Array();

/** What a call throws; its types let it be nothing but what the contract lists. */
function error(status: ErrorStatus, message: string): ApiError {
  return new ApiError(status, message as MessageOf<ErrorStatus>);
}

/** What is known of a request so far; it goes into the answer's headers, and into log and metrics. */
export interface Exchange {
  /** When `giveUp` is called, of the clock of performance.now(). */
  deadline: number;
  /** Answers 503, unless there is an answer. */
  giveUp(): void;
  requestId: string;
  headers: Record<string, string>;
  operationId?: OperationId;
  companyId?: string;
  /** The answer, unless it is that of a page; its headers are those above. */
  sent?: { status: number; body: string | undefined };
}

/** The caller's request id where it can be logged as it is, else a new one. */
export function requestIdOf(request: IncomingMessage): string {
  const given = request.headers["x-request-id"];
  return typeof given === "string" && /^[A-Za-z0-9._-]{1,128}$/.test(given) ? given : randomUUID();
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
  // Its time was up before this came.
  if (response.writableEnded) return;
  const all: Record<string, string | number> = Object.assign(exchange.headers, headers);
  // A client that still waits for 100 Continue would send its next request, or the body: nobody
  // can tell which.
  if (requests.expectsContinue(request) && !request.complete) all.Connection = "close";
  const text = body === undefined || typeof body === "string" ? body : JSON.stringify(body);
  exchange.sent = { status, body: text };
  if (text === undefined) {
    response.writeHead(status, all).end();
    return;
  }
  all["Content-Type"] = "application/json";
  all["Content-Length"] = Buffer.byteLength(text);
  response.writeHead(status, all).end(text);
}
