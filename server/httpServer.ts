/**
 * The HTTP server around the Express application. It handles what node:http decides before Express gets a request
 * (framing, limits, timeouts, CONNECT) so that those responses conform to the contract, and a graceful stop. With a plain
 * `app.listen()`, Node handles those cases itself, and the protection against overload, pipelining, endless input and slow
 * readers is missing; the operations are the same.
 */
import http from "node:http";
import type { Socket } from "node:net";
import type { Express } from "express";
import type { Logger } from "pino";
import { createAdmission } from "./admission.ts";
import { type Connection, createConnection } from "./connection.ts";
import { createFairReading } from "./fairReading.ts";
import { isUnambiguous } from "./framing.ts";
import { addStop, type StoppableServer } from "./gracefulStop.ts";
import { createMessageClasses } from "./messageClasses.ts";
import type { Metrics } from "./metrics.ts";
import { createOverloadResponder, isProbe } from "./overload.ts";
import { type RawResponse, sendRawResponse } from "./rawResponses.ts";
import { createReadTimeouts } from "./readTimeouts.ts";
import { toOriginForm } from "./targets.ts";

/** How many requests may be queued on one connection, behind the request in progress. */
const maxWaiting = 640;

/**
 * How many may be queued on all connections together. Without a limit, 500 connections with 990 requests each (13 MB)
 * filled a heap of 512 MB; with 5,000, ones with 630 requests each sometimes filled one of 256 MB.
 */
const maxWaitingInAll = 2_000;

/**
 * A request that declares no body emits no stream events, which saves 4 % of the CPU time of a get. This option of
 * Node.js 24.12 is not in the types, which are those of Node.js 22; older versions ignore it.
 */
const withoutEmptyStreams = { optimizeEmptyRequests: true };

export interface HttpServerOptions {
  log: Logger;
  metrics?: Metrics | undefined;
  /** Seconds after which an idle connection is closed. */
  keepAliveTimeoutInSeconds?: number;
  /**
   * How many requests may wait to begin; further ones get a 503. A full queue is processed in 0.1 to 0.3 s, unless
   * PostgreSQL is busy.
   */
  maxQueuedRequests?: number;
  /** Whether further requests should wait, because the database has enough to do. */
  isDatabaseBusy?: (() => boolean) | undefined;
}

/**
 * Creates an HTTP server for the application, not yet listening. Malformed requests (400), slow ones (408) and
 * oversized headers (431) also get a JSON response, and then the connection is closed.
 */
export function createServer(app: Express, options: HttpServerOptions): StoppableServer {
  const { log, metrics, keepAliveTimeoutInSeconds = 5 } = options;
  const { maxQueuedRequests: maxQueued = 256, isDatabaseBusy = () => false } = options;
  const server = http.createServer({
    ...createMessageClasses(app, { hasTooManyWaiting, hasReadEnough, rejectBody }),
    headersTimeout: 10_000,
    // The contract allows 15 seconds; the margin ensures that a busy server also closes the connection by then.
    requestTimeout: 14_500,
    connectionsCheckingInterval: 100,
    keepAliveTimeout: keepAliveTimeoutInSeconds * 1_000,
    // The application rejects a missing Host with a JSON response.
    requireHostHeader: false,
    ...withoutEmptyStreams,
  });
  // Node drops fields beyond this count without an error. The application rejects a request with one too many.
  server.maxHeadersCount = 101;
  const connections = new Map<Socket, Connection>();
  const admission = createAdmission({ maxQueued, isDatabaseBusy });
  const readFairly = createFairReading();
  const rejectOverload = createOverloadResponder(log, metrics);
  let waitingInAll = 0;
  let isStopping = false;

  const readTimeouts = createReadTimeouts(connections, keepAliveTimeoutInSeconds);
  server.on("close", readTimeouts.stop);
  server.on(
    "timeout",
    guard((socket: Socket) => socket, readTimeouts.timeOut),
  );

  /** Wraps a listener so that an exception closes only its connection. */
  function guard<Arguments extends unknown[]>(
    findSocket: (...values: Arguments) => Socket,
    listener: (...values: Arguments) => void,
  ): (...values: Arguments) => void {
    return (...values) => {
      try {
        listener(...values);
      } catch (err) {
        log.error({ err }, "a connection failed");
        findSocket(...values).destroy();
      }
    };
  }

  function hasTooManyWaiting(socket: Socket): boolean {
    const connection = connections.get(socket);
    // A request that is not pipelined never counts.
    if (!connection?.current) return false;
    return connection.waiting.length >= maxWaiting || waitingInAll >= maxWaitingInAll;
  }

  function hasReadEnough(socket: Socket): boolean {
    const connection = connections.get(socket);
    return connection !== undefined && (connection.hasReadEnough || connection.waiting.length > 0);
  }

  function rejectBody(socket: Socket): void {
    const connection = connections.get(socket);
    if (!connection || connection.isRejected) return;
    // Detaches the parser.
    socket.removeAllListeners("data");
    readFairly(socket, connection);
    reject(socket, { status: 400 });
  }

  server.on("connection", (socket) => {
    const connection = createConnection();
    connections.set(socket, connection);
    socket.on("close", () => {
      connections.delete(socket);
      waitingInAll -= connection.waiting.length;
    });
    readTimeouts.holdLastResponse(socket);
    readFairly(socket, connection);
    admission.connectionAccepted();
  });

  const receive = guard(
    (request: http.IncomingMessage, _response: http.ServerResponse) => request.socket,
    (request, response) => {
      const connection = connections.get(request.socket);
      if (!connection || connection.isRejected) return;
      if (!isUnambiguous(request)) reject(request.socket, { status: 400 });
      else if (connection.current) {
        // The rest of the data that was read is parsed and queued, and the socket is paused until the queue is empty.
        // Node resumes the socket after parsing each request, so it is paused once everything that was read is parsed.
        if (connection.waiting.length === 0) process.nextTick(() => request.socket.pause());
        connection.waiting.push([request, response]);
        waitingInAll += 1;
      } else begin(connection, request, response);
    },
  );
  // 100 Continue is sent when the body is read, after the key is checked; an unknown Expect is ignored.
  for (const event of ["request", "checkContinue", "checkExpectation"]) server.on(event, receive);

  /**
   * Processes one request of a connection at a time. Otherwise all pipelined requests would begin at once: one packet
   * could keep the event loop busy for seconds, with all responses in memory.
   */
  function begin(connection: Connection, request: http.IncomingMessage, response: http.ServerResponse): void {
    connection.current = response;
    const reject = () => respond(connection, request, response, rejectOverload);
    const start = () => respond(connection, request, response, app);
    admission.admit(request, start, isProbe(request) ? undefined : reject);
  }

  function respond(
    connection: Connection,
    request: http.IncomingMessage,
    response: http.ServerResponse,
    listener: http.RequestListener,
  ): void {
    connection.bytesWrittenBefore = request.socket.bytesWritten;
    if (request.socket.destroyed) return;
    if (isStopping) response.shouldKeepAlive = false;
    // Otherwise Express itself responds to a target without a path.
    request.url = toOriginForm(request.url ?? "");
    response.on("close", () => {
      connection.current = undefined;
      connection.unread = request.complete ? undefined : request;
      connection.bytesReadWhenIdle = request.socket.bytesRead;
      if (request.socket.destroyed) return;
      const next = connection.waiting.shift();
      // Lets other connections run in between: on SQLite, a request may be processed without yielding to the event loop.
      if (next) {
        waitingInAll -= 1;
        connection.current = next[1];
        setImmediate(begin, connection, ...next);
      } else if (isStopping) request.socket.destroySoon();
      else if (request.socket.isPaused()) request.socket.resume();
    });
    listener(request, response);
  }

  // CONNECT requests a tunnel, which is an unknown path. Node has detached the socket, so its errors are handled here.
  server.on(
    "connect",
    guard(
      (_request: http.IncomingMessage, socket: Socket) => socket,
      (_request, socket) => {
        socket.on("error", () => socket.destroy());
        reject(socket, { status: 404 });
      },
    ),
  );

  server.on(
    "clientError",
    guard(
      (_error: NodeJS.ErrnoException, socket: Socket) => socket,
      ({ code }, socket) => {
        const status = code === "HPE_HEADER_OVERFLOW" ? 431 : code === "ERR_HTTP_REQUEST_TIMEOUT" ? 408 : 400;
        reject(socket, { status, code });
      },
    ),
  );

  /** Rejects input that is not a valid request, after responding to earlier requests. */
  function reject(socket: Socket, response: RawResponse): void {
    const connection = connections.get(socket);
    if (connection) connection.isRejected = true;
    const current = connection?.current;
    // The body of the current request is malformed: a second response would count as that of the next request.
    if (!socket.writable || (current?.headersSent && !current.req.complete)) return void socket.destroy();
    if (current?.req.complete && !current.writableFinished) {
      current.once("close", () => reject(socket, response));
      return;
    }
    if (connection?.waiting.length) {
      // The responses to queued requests come first.
      const [, last] = connection.waiting.at(-1) as [unknown, http.ServerResponse];
      last.once("close", () => reject(socket, response));
      return;
    }
    sendRawResponse(socket, response, log);
    metrics?.requestRejected(response.status);
  }

  return addStop(server, connections, () => {
    isStopping = true;
  });
}
