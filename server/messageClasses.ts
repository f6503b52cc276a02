/** The classes of requests and responses: those of node:http, adapted to Express, and with a limit on pipelining. */
import http from "node:http";
import type { Socket } from "node:net";
import express, { type Express } from "express";

/**
 * Creates message classes whose instances already have the prototypes that Express sets on every request and response:
 * changing the prototypes of existing objects takes a third of the time of a small request on Node 24.
 * @param hasTooMany whether too many requests are queued on a connection, so that the next one closes it
 */
export function createMessageClasses(
  app: Express,
  hasTooMany: (socket: Socket) => boolean,
): { IncomingMessage: typeof http.IncomingMessage; ServerResponse: typeof http.ServerResponse } {
  class Request extends http.IncomingMessage {
    constructor(socket: Socket) {
      super(socket);
      // Node reads up to 64 KiB at once, and its parser cannot be paused in between: parsing 2,400 of the smallest
      // requests took 50 ms, so eight connections blocked all others for 400 ms. But the parser stops at an upgrade,
      // and Node closes the connection if the server has no listener for upgrades.
      if (hasTooMany(socket)) Object.defineProperty(this, "upgrade", { get: () => true, set() {} });
    }
  }
  class Response<R extends http.IncomingMessage> extends http.ServerResponse<R> {}
  Object.defineProperties(Request.prototype, Object.getOwnPropertyDescriptors(express.request));
  Object.defineProperties(Response.prototype, Object.getOwnPropertyDescriptors(express.response));
  Object.assign(app, {
    request: Object.assign(Request.prototype, { app }),
    response: Object.assign(Response.prototype, { app }),
  });
  return { IncomingMessage: Request, ServerResponse: Response };
}
