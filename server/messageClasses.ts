/** The classes of requests and responses: those of node:http, adapted to Express, and with a limit on pipelining. */
import http from "node:http";
import type { Socket } from "node:net";
import express, { type Express } from "express";

/**
 * A chunked body of more than `count` pieces with fewer than `averageBytes` bytes on average is rejected. The
 * parser cannot be paused between the pieces of a read, and each takes about two microseconds and 500 bytes of memory
 * until the body is complete: 20 bodies of 65,000 one-byte chunks delayed all other requests by seconds.
 */
const tinyPieces = { count: 2_000, averageBytes: 64 };

/** The functions of the server that the message classes call. */
export interface ConnectionHooks {
  /** Whether too many requests are queued on the connection, so that the next one closes it. */
  hasTooManyWaiting(socket: Socket): boolean;
  /** Whether enough has been read from the connection in this turn of the event loop. */
  hasReadEnough(socket: Socket): boolean;
  /** Responds 400 to a body of too many tiny chunks, and closes the connection. */
  rejectBody(socket: Socket): void;
}

/**
 * Creates message classes whose instances already have the prototypes that Express sets on every request and response:
 * changing the prototypes of existing objects takes a third of the time of a small request on Node 24.
 */
export function createMessageClasses(
  app: Express,
  { hasTooManyWaiting, hasReadEnough, rejectBody }: ConnectionHooks,
): { IncomingMessage: typeof http.IncomingMessage; ServerResponse: typeof http.ServerResponse } {
  class Request extends http.IncomingMessage {
    isRejected = false;
    pieces = 0;
    bytes = 0;

    constructor(socket: Socket) {
      super(socket);
      // Node reads up to 64 KiB at once, and its parser cannot be paused in between: parsing 2,400 of the smallest
      // requests took 50 ms, so eight connections blocked all others for 400 ms. But the parser stops at an upgrade,
      // and Node closes the connection if the server has no listener for upgrades.
      if (hasTooManyWaiting(socket)) Object.defineProperty(this, "upgrade", { get: () => true, set() {} });
    }

    /** Resumes the socket, unless enough has been read from it in this turn: then a later turn resumes it. */
    override _read(size: number): void {
      if (!hasReadEnough(this.socket)) super._read(size);
    }

    /** Node calls it for each piece of the body: a chunk, or what one read returned of it. */
    override push(piece: Buffer | null): boolean {
      // The parser stops only after the whole read has been parsed.
      if (this.isRejected) return true;
      if (piece !== null) {
        this.pieces += 1;
        this.bytes += piece.length;
        if (this.pieces > tinyPieces.count && this.hasTinyChunks()) {
          this.isRejected = true;
          rejectBody(this.socket);
          return true;
        }
      }
      return super.push(piece);
    }

    /** Drains a body that is not read. Node's own method would end the calls of `push`, which counts the pieces. */
    _dump(): void {
      this.removeAllListeners("data");
      this.resume();
    }

    hasTinyChunks(): boolean {
      // A body with a length comes in no more pieces than reads.
      const isTiny = this.bytes < tinyPieces.averageBytes * this.pieces;
      return isTiny && this.headers["transfer-encoding"] !== undefined;
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
