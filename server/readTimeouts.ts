/**
 * Clients that do not read their responses. Closing their connections would leave to the kernel what is not sent, for
 * as long as the client keeps its side open; a reset frees it.
 */
import type { Socket } from "node:net";
import type { Connection } from "./connection.ts";

/** How often a socket that takes nothing of a response is noticed: the timeout of the server. */
export const quietInMilliseconds = 5_000;

/** Which time in a row resets it: 15 to 20 s without progress. */
const quietTimesBeforeReset = 3;

/** How much of a response may stay in the kernel. */
const largeResponseBytes = 65_536;

/** The timeouts of connections whose responses are not read. */
export function createReadTimeouts(
  connections: ReadonlyMap<Socket, Connection>,
  keepAliveTimeoutInSeconds: number,
) {
  /** Whether the kernel may have more of the last response than the client has read. */
  function isLarge(socket: Socket): boolean {
    return socket.bytesWritten - (connections.get(socket)?.bytesWrittenBefore ?? 0) > largeResponseBytes;
  }

  /** Ends a connection so that the kernel can be told to drop what the client has not read: not after a close. */
  function endLater(socket: Socket): void {
    const connection = connections.get(socket);
    if (connection) connection.isRejected = true;
    socket.end();
    const timer = setTimeout(() => socket.resetAndDestroy(), keepAliveTimeoutInSeconds * 1_000).unref();
    socket.on("close", () => clearTimeout(timer));
  }

  return {
    /**
     * For the event `timeout` of the server. Its timeout applies from the headers of a request to the end of the
     * response, and then keepAliveTimeout does. Node counts it as activity when the kernel takes a part of a write.
     */
    timeOut(socket: Socket): void {
      const connection = connections.get(socket);
      if (!connection) return void socket.destroy();
      const { current, quiet, isRejected } = connection;
      // It has a timer of its own.
      if (isRejected) return;
      if (!current) {
        // It has been idle for long; before its first request, headersTimeout applies.
        if (isLarge(socket)) socket.resetAndDestroy();
        else if (connection.bytesReadWhenIdle > 0) socket.destroy();
        return;
      }
      // Until a response has begun, its own timeouts apply.
      if (!current.headersSent) return;
      const now = performance.now();
      quiet.times = now - quiet.at < 1.5 * quietInMilliseconds ? quiet.times + 1 : 1;
      quiet.at = now;
      if (quiet.times === quietTimesBeforeReset) socket.resetAndDestroy();
      else socket.setTimeout(quietInMilliseconds);
    },

    /** Keeps a connection open until its last response is read, where that is large: Node would close it at once. */
    holdLastResponse(socket: Socket): void {
      const destroySoon = socket.destroySoon.bind(socket);
      socket.destroySoon = () => (isLarge(socket) ? endLater(socket) : destroySoon());
    },
  };
}
