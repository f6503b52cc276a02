/** A request and its response: ID, deadline, headers, sending the response, and the log line. */
import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { ErrorRequestHandler, NextFunction, Request, Response } from "express";
import type { Logger } from "pino";
import { readQueuedTime } from "./admission.ts";
import type { ApiKey } from "./apiKeys.ts";
import { readCallerAddress } from "./authentication.ts";
import { createCauseLog } from "./causeLog.ts";
import type { Operation } from "./contract.ts";
import { createDeadlines, type Deadline } from "./deadlines.ts";
import type { DriftCheck } from "./driftCheck.ts";
import { ApiError, ClientGoneError, createErrorResponse, UnavailableError } from "./errors.ts";
import type { Metrics } from "./metrics.ts";
import { isDecodable, splitTarget, toOriginForm } from "./targets.ts";
import type { Tracing } from "./tracing.ts";

/**
 * How long a request may take, queued and with all its statements, before it gets a 503. The time to receive its body
 * does not count. As with any 503, a write that has begun may still take effect.
 */
const timeoutInMilliseconds = 1_750;

/** A middleware of the API. The exchange is in `response.locals`, where Express keeps data of a request. */
export type Handler = (
  request: Request,
  response: Response<unknown, { exchange: Exchange }>,
  next: NextFunction,
) => unknown;

/** The state of a request, filled in by the middlewares. */
export class Exchange {
  readonly request: Request;
  readonly response: Response;
  readonly startedAt = performance.now();
  /** The request target in origin form, below the path where the API is mounted. */
  readonly target: string;
  readonly requestId: string;
  /** The headers of the response, of any status. */
  readonly headers: Record<string, string | number>;
  operation?: Operation;
  key?: ApiKey;
  /** Whether the path is not valid percent-encoded UTF-8, which leads to a 400 once the key has been checked. */
  isMalformed = false;
  /** Decoded parameters and body; they conform to the contract once the request is validated. */
  path: Request["params"] = {};
  query: Record<string, unknown> = {};
  requestHeaders: Record<string, string> = {};
  body: unknown;
  rawBody: Uint8Array = noBytes;
  /** The response, unless it is a page. */
  sent?: { status: number; body: string | undefined };
  /** The deadline for the response. */
  readonly deadline: Deadline;

  constructor(
    request: Request,
    response: Response,
    createDeadline: (exchange: Exchange, elapsed: number) => Deadline,
  ) {
    this.request = request;
    this.response = response;
    this.deadline = createDeadline(this, readQueuedTime(request));
    this.target = request.url;
    this.requestId = chooseRequestId(request);
    this.headers = createCommonHeaders(this.requestId);
  }

  /**
   * Whether a response has been sent, possibly the 503 of the deadline: after that, the request must have no further
   * effect.
   */
  get isOver(): boolean {
    return this.response.writableEnded;
  }

  /**
   * Sends the response, unless one has been sent. `response.json` would format the content type, compute an ETag and
   * compare it for each response, which takes 5 % more CPU time for a get.
   * @param body sent as JSON
   */
  send(status: number, headers: Record<string, string>, body?: unknown): void {
    if (this.isOver) return;
    const all: Record<string, string | number> = Object.assign(this.headers, headers);
    // A client that is still waiting for 100 Continue may send either the body or its next request.
    if (expectsContinue(this.request) && !this.request.complete) all.Connection = "close";
    const text = body === undefined ? undefined : JSON.stringify(body);
    this.sent = { status, body: text };
    if (text === undefined) {
      this.response.writeHead(status, all).end();
      return;
    }
    all["Content-Type"] = "application/json";
    all["Content-Length"] = Buffer.byteLength(text);
    this.response.writeHead(status, all).end(text);
  }
}

const noBytes: Uint8Array = new Uint8Array();

/** Creates the headers that every response has. */
export function createCommonHeaders(requestId: string): Record<string, string | number> {
  return {
    "X-Request-Id": requestId,
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "private, no-cache",
  };
}

/** Returns the caller's request ID if it is valid, otherwise a new one. */
export function chooseRequestId(request: IncomingMessage): string {
  const given = request.headers["x-request-id"];
  return typeof given === "string" && /^[A-Za-z0-9._-]{1,128}$/.test(given) ? given : randomUUID();
}

/**
 * Whether the client waits for `100 Continue` before it sends its body (RFC 9110, section 10.1.1). HTTP/1.0 has no 1xx
 * responses, and its clients would take one for the final response.
 */
export function expectsContinue(request: IncomingMessage): boolean {
  return request.httpVersion !== "1.0" && request.headers.expect?.toLowerCase() === "100-continue";
}

/** The maximum number of header fields in a request. */
const maxHeaderFields = 100;

/** The observers of each exchange. */
export interface Observers {
  log: Logger;
  metrics?: Metrics | undefined;
  driftCheck?: DriftCheck | undefined;
  tracing?: Tracing | undefined;
}

/**
 * Creates the first and the last middleware of the API.
 * @param isOurs whether a path belongs to the API; requests for other paths leave the router unchanged
 */
export function createExchanges(
  { log, metrics, driftCheck, tracing }: Observers,
  isOurs: (path: string) => boolean,
): { beginExchange: Handler; handleErrors: ErrorRequestHandler } {
  const logCause = createCauseLog(log);

  const createDeadline = createDeadlines(timeoutInMilliseconds, (exchange: Exchange) => {
    if (!exchange.isOver) sendError(exchange, new UnavailableError("the request took too long"));
  });

  function sendError(exchange: Exchange, thrown: unknown): void {
    const { response, requestId, isOver } = exchange;
    if (thrown instanceof ClientGoneError) return void (isOver || response.destroy());
    // This logs the cause, even if the request fails after its response has been sent.
    const { status, headers, body } = createErrorResponse(thrown, requestId, logCause);
    if (!isOver && response.headersSent) return void response.destroy();
    exchange.send(status, headers, body);
  }

  function end(exchange: Exchange): void {
    exchange.deadline.stop();
    const { request, response, requestId, operation, key } = exchange;
    const milliseconds = performance.now() - exchange.startedAt;
    const status = response.headersSent ? response.statusCode : undefined;
    metrics?.requestEnded(exchange, status, milliseconds / 1_000);
    driftCheck?.(exchange);
    log.info(
      {
        requestId,
        method: request.method,
        operationId: operation?.operationId,
        ...(!operation && { path: splitTarget(request.url ?? "").path }),
        company: key?.company,
        key: key?.prefix,
        address: readCallerAddress(request),
        status,
        durationInMilliseconds: Math.round(milliseconds * 100) / 100,
        ...(!response.writableFinished && { aborted: true }),
      },
      "request",
    );
  }

  return {
    beginExchange(request, response, next) {
      const url = toOriginForm(request.url);
      const { path } = splitTarget(url);
      if (!isOurs(path)) return next("router");
      request.url = url;
      const exchange = new Exchange(request, response, createDeadline);
      response.locals.exchange = exchange;
      metrics?.requestBegan();
      tracing?.hideQuery();
      response.on("close", () => end(exchange));
      exchange.deadline.start();
      if (request.rawHeaders.length > 2 * maxHeaderFields)
        throw new ApiError(431, "Request headers are too large.", { headers: { Connection: "close" } });
      if (request.headers.host === undefined && request.httpVersion !== "1.0")
        throw new ApiError(400, "Malformed request.");
      let routed = path;
      if (path.includes("%") && !isDecodable(path)) {
        // Express would reject it before the key is checked.
        exchange.isMalformed = true;
        routed = path.replaceAll("%", "%25");
      }
      // Express would cut the path at a raw `#`, and treat a raw backslash as a slash.
      if (/[^!-~]|[#\\]/.test(routed)) routed = routed.replace(/[^!-~]|[#\\]/g, encodeURIComponent);
      if (routed !== path) request.url = routed + url.slice(path.length);
      next();
    },

    handleErrors(thrown, _request, response, next) {
      const exchange = response.locals.exchange as Exchange | undefined;
      // Without an exchange, the error is from the application that mounts the API.
      if (exchange) sendError(exchange, thrown);
      else next(thrown);
    },
  };
}
