/**
 * The 503 of a server that has more requests than it can begin. It bypasses Express, with which it would take half the
 * CPU time of a `listCustomers` request: too much if clients retry at once.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Logger } from "pino";
import type { AnyRequestMessages } from "../generated/messages.ts";
import { createCauseLog } from "./causeLog.ts";
import { UnavailableError } from "./errors.ts";
import { chooseRequestId, createCommonHeaders, expectsContinue } from "./exchange.ts";
import type { Metrics } from "./metrics.ts";
import { splitTarget, toOriginForm } from "./targets.ts";

const message: AnyRequestMessages[503] = "Service temporarily unavailable.";
const body = JSON.stringify({ error: message });
const err = new UnavailableError("requests are queued: there are too many, or PostgreSQL is busy");

/**
 * Whether the request is a health check. These are never rejected: a supervisor would restart the server, or a load
 * balancer stop using it.
 */
export function isProbe({ url = "" }: IncomingMessage): boolean {
  const { path } = splitTarget(toOriginForm(url));
  return path === "/healthz" || path === "/readyz";
}

/** Returns a function that rejects a request with a 503. */
export function createOverloadResponder(
  log: Logger,
  metrics: Metrics | undefined,
): (request: IncomingMessage, response: ServerResponse) => void {
  const logCause = createCauseLog(log);
  return (request, response) => {
    const requestId = chooseRequestId(request);
    logCause({ level: "warn", message: "overloaded", requestId, err });
    // A client that is still waiting for 100 Continue may send either the body or its next request.
    if (expectsContinue(request)) response.shouldKeepAlive = false;
    response
      .writeHead(503, {
        ...createCommonHeaders(requestId),
        "Retry-After": err.retryAfter,
        "Content-Type": "application/json",
        "Content-Length": body.length,
      })
      .end(body);
    log.info({ requestId, method: request.method, status: 503 }, "request");
    metrics?.requestRejected(503);
  };
}
