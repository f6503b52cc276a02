/**
 * The 503 of a server that has more requests than it can begin. It bypasses Express, with which it would take half as
 * much CPU time as a list: too much if clients retry at once.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Logger } from "pino";
import type { AnyRequestMessages } from "../generated/messages.ts";
import { createCauseLog } from "./causeLog.ts";
import { UnavailableError } from "./errors.ts";
import { chooseRequestId, createCommonHeaders, expectsContinue } from "./exchange.ts";
import type { Metrics } from "./metrics.ts";
import { splitTarget } from "./targets.ts";

const message: AnyRequestMessages[503] = "Service temporarily unavailable.";
const body = JSON.stringify({ error: message });
const err = new UnavailableError("too many requests are queued");

/** Whether a supervisor would restart the server if the path failed, or a load balancer use another one. */
export function isProbe({ url = "" }: IncomingMessage): boolean {
  return url.startsWith("/healthz") || url.startsWith("/readyz");
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
    const { path } = splitTarget(request.url ?? "");
    log.info({ requestId, method: request.method, path, status: 503 }, "request");
    metrics?.requestRejected(503);
  };
}
