/** Connections: what node:http answers by itself, answered as the contract says. */
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import http from "node:http";
import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import express, { type Express } from "express";
import type { Logger } from "pino";
import type { AnyRequestMessages } from "../generated/messages.ts";
import type { Metrics } from "./metrics.ts";
import { originForm } from "./requestParsing.ts";

/** An HTTP server that can be told to stop. */
export interface StoppableServer extends http.Server {
  /**
   * Answers on for as long as it lingers, with `Connection: close`: a client may be sending on the
   * connection that it has kept, and a load balancer has still to ask whether we are ready. Then ends
   * the idle connections, lets the requests that are being answered finish, and stops listening.
   * Resolves when all connections have ended, at the latest after the grace, which cuts them.
   */
  stop(times: { lingerInMilliseconds: number; graceInMilliseconds: number }): Promise<void>;
}

/**
 * An HTTP server for the application, not yet listening. Malformed requests (400), slow ones (408)
 * and oversized headers (431) are answered in JSON too, and then the connection ends.
 */
export function createServer(app: Express, log: Logger, metrics?: Metrics): StoppableServer {
  const server = http.createServer({
    ...messageClasses(app),
    headersTimeout: 10_000,
    // The contract says 15 seconds: by then the connection has ended, a busy moment of ours included.
    requestTimeout: 14_500,
    connectionsCheckingInterval: 100,
    // The app answers a missing Host, in JSON.
    requireHostHeader: false,
  });
  const sockets = new Set<Socket>();
  /** The latest answer begun on each connection. */
  const latest = new WeakMap<Socket, http.ServerResponse>();
  /** The answers on a connection that waited for one before them, as requests came without waiting for it. */
  const queued = new WeakMap<Socket, http.ServerResponse[]>();
  /** Connections whose latest bytes may not be what they seem: nothing that follows on them is a request. */
  const refused = new WeakSet<Socket>();
  let stopping = false;

  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => {
      sockets.delete(socket);
      // Node tells nothing to those whose turn has not come.
      for (const response of queued.get(socket) ?? [])
        if (!response.socket && !response.writableFinished) response.emit("close");
    });
  });
  server.on("request", handle);

  function handle(request: http.IncomingMessage, response: http.ServerResponse): void {
    // The socket of the request: a pipelined response has none until it is its turn.
    const { socket } = request;
    if (refused.has(socket)) return;
    if (!isUnambiguous(request)) {
      refuse(socket);
      return;
    }
    if (latest.get(socket)?.closed === false)
      queued.set(socket, [...(queued.get(socket) ?? []).filter(({ closed }) => !closed), response]);
    latest.set(socket, response);
    if (stopping) response.shouldKeepAlive = false;
    // Express answers a target without a path, or with an odd authority, by itself and in HTML.
    request.url = originForm(request.url ?? "");
    app(request as never, response as never);
  }

  // 100 Continue is sent where the body is read, after the key; an unknown Expect means nothing.
  for (const event of ["checkContinue", "checkExpectation"]) {
    server.on(event, (request, response) => server.emit("request", request, response));
  }
  // A CONNECT request is one with a wrong method, and the path of no operation.
  server.on("connect", (request: http.IncomingMessage, socket: Socket) => {
    const response = new http.ServerResponse(request);
    response.assignSocket(socket);
    response.shouldKeepAlive = false;
    response.on("finish", () => socket.end());
    // Node has let go of this socket: nobody else hears its errors, or ends it when the client does not.
    socket.on("error", () => socket.destroy());
    socket.setTimeout(1_000, () => socket.destroy());
    handle(request, response);
  });

  server.on("clientError", (error: NodeJS.ErrnoException, socket: Socket) => refuse(socket, error.code));

  function refuse(socket: Socket, code?: string): void {
    refused.add(socket);
    const response = latest.get(socket);
    const isAnsweredInPart = response?.headersSent && !response.req.complete;
    const answer = () => {
      const status = refuseConnection(socket, code, log);
      metrics?.connectionRefused(status);
    };
    if (!socket.writable || isAnsweredInPart) socket.destroy();
    // A pipelined request broke while the one before it is being answered: first that answer.
    else if (response?.req.complete && !response.writableFinished) response.once("close", answer);
    else answer();
  }

  /** The answers that have begun and not ended. */
  function inFlight(): http.ServerResponse[] {
    return [...sockets].flatMap((socket) => latest.get(socket) ?? []).filter(({ closed }) => !closed);
  }

  const stop: StoppableServer["stop"] = async ({ lingerInMilliseconds, graceInMilliseconds }) => {
    stopping = true;
    const grace = AbortSignal.timeout(graceInMilliseconds);
    for (const response of inFlight()) response.shouldKeepAlive = false;
    await sleep(lingerInMilliseconds);
    server.closeIdleConnections();
    await Promise.race([
      Promise.all(inFlight().map((response) => once(response, "close"))),
      once(grace, "abort"),
    ]);
    const closed = new Promise((resolve) => server.close(resolve));
    // Node counts a connection that never sent a byte as busy.
    for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy();
    await Promise.race([closed, grace.aborted || once(grace, "abort")]);
    server.closeAllConnections();
  };
  return Object.assign(server, { stop });
}

/**
 * Classes whose instances have from birth the prototypes that Express gives to every request and
 * response. Without them it changes the prototype of both, which on Node 20 takes more than half of
 * the time of a small request.
 */
function messageClasses(app: Express) {
  class Request extends http.IncomingMessage {}
  class Response<R extends http.IncomingMessage> extends http.ServerResponse<R> {}
  Object.defineProperties(Request.prototype, Object.getOwnPropertyDescriptors(express.request));
  Object.defineProperties(Response.prototype, Object.getOwnPropertyDescriptors(express.response));
  app.request = Object.assign(Request.prototype, { app }) as never;
  app.response = Object.assign(Response.prototype, { app }) as never;
  return { IncomingMessage: Request, ServerResponse: Response };
}

/**
 * Whether everybody on the way must have read the same request: one Host (RFC 9112, section 3.2), and no
 * transfer coding but `chunked`, which HTTP/1.0 does not know (section 6.1). Node lets other forms pass, and
 * a proxy that reads them otherwise would take a part of the body for the next request.
 */
function isUnambiguous({ headers, httpVersion, rawHeaders }: http.IncomingMessage): boolean {
  const coding = headers["transfer-encoding"];
  if (coding !== undefined && (coding.toLowerCase() !== "chunked" || httpVersion === "1.0")) return false;
  let hosts = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] as string;
    if (name.length === 4 && name.toLowerCase() === "host") hosts += 1;
  }
  return hosts <= 1;
}

const refusals: {
  [Status in keyof AnyRequestMessages]?: {
    reason: string;
    message: AnyRequestMessages[Status];
  };
} = {
  400: { reason: "Bad Request", message: "Malformed request." },
  408: { reason: "Request Timeout", message: "Request timed out." },
  431: {
    reason: "Request Header Fields Too Large",
    message: "Request headers are too large.",
  },
};

/** Answers what is no request, and returns the status. */
function refuseConnection(socket: Socket, code: string | undefined, log: Logger): number {
  const status = code === "HPE_HEADER_OVERFLOW" ? 431 : code === "ERR_HTTP_REQUEST_TIMEOUT" ? 408 : 400;
  const { reason, message } = refusals[status] as NonNullable<(typeof refusals)[400]>;
  const body = JSON.stringify({ error: message });
  const requestId = randomUUID();
  log.info({ requestId, status, code }, "request");
  if (!socket.writable) return status;
  socket.end(
    [
      `HTTP/1.1 ${status} ${reason}`,
      `Date: ${new Date().toUTCString()}`,
      `X-Request-Id: ${requestId}`,
      "X-Content-Type-Options: nosniff",
      "Cache-Control: private, no-cache",
      "Content-Type: application/json",
      `Content-Length: ${Buffer.byteLength(body)}`,
      "Connection: close",
      "",
      body,
    ].join("\r\n"),
  );
  // The client may keep its side open and go on sending, a byte now and then too.
  setTimeout(() => socket.destroy(), 1_000).unref();
  return status;
}
