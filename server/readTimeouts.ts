/**
 * Timeouts for clients that do not read their responses. After a normal close, the kernel would keep unsent data for as
 * long as the client keeps its side open; a reset frees it.
 */
import type { Socket } from "node:net";
import type { Connection } from "./connection.ts";

/** The socket timeout while a response is being sent, after which a client that does not read is noticed. */
const quietInMilliseconds = 5_000;

/** How often the server looks for responses that are still being sent. */
const checkIntervalInMilliseconds = 1_000;

/** After how many timeouts in a row, 15 to 21 s without progress, the connection is reset. */
const quietTimesBeforeReset = 3;

/** How much unread response data may remain in the kernel. */
const largeResponseBytes = 65_536;

/** Creates the timeouts of connections whose responses are not read. */
export function createReadTimeouts(
  connections: ReadonlyMap<Socket, Connection>,
  keepAliveTimeoutInSeconds: number,
) {
  /** Whether the last response is so large that much of it may be unread in the kernel. */
  function isLarge(socket: Socket): boolean {
    return socket.bytesWritten - (connections.get(socket)?.bytesWrittenBefore ?? 0) > largeResponseBytes;
  }

  /**
   * Half-closes a connection, and resets it later, so that the kernel drops unread data; after a full close, that would
   * be impossible.
   */
  function endLater(socket: Socket): void {
    const connection = connections.get(socket);
    if (connection) connection.isRejected = true;
    socket.end();
    const timer = setTimeout(() => socket.resetAndDestroy(), keepAliveTimeoutInSeconds * 1_000).unref();
    socket.on("close", () => clearTimeout(timer));
  }

  /**
   * Sets a timeout on each socket that is sending a response; after the response, Node replaces it with
   * keepAliveTimeout. With `server.timeout`, Node would set a timer for every request, and restart it at each read and
   * write, which takes 5 % of the CPU time of a get.
   */
  const timer = setInterval(() => {
    for (const [socket, { current }] of connections)
      if (current?.headersSent && !socket.timeout) socket.setTimeout(quietInMilliseconds);
  }, checkIntervalInMilliseconds).unref();

  return {
    stop: () => clearInterval(timer),

    /**
     * Handles the server's `timeout` event, which the timeout above and keepAliveTimeout cause. Node counts it as
     * activity when the kernel accepts part of a write.
     */
    timeOut(socket: Socket): void {
      const connection = connections.get(socket);
      if (!connection) return void socket.destroy();
      const { current, quiet, isRejected } = connection;
      // A rejected connection has a timer of its own.
      if (isRejected) return;
      if (!current) {
        // The connection has been idle for keepAliveTimeout.
        if (isLarge(socket)) socket.resetAndDestroy();
        else socket.destroy();
        return;
      }
      // Until a response has started, other timeouts apply.
      if (!current.headersSent) return;
      const now = performance.now();
      quiet.times = now - quiet.at < 1.5 * quietInMilliseconds ? quiet.times + 1 : 1;
      quiet.at = now;
      if (quiet.times === quietTimesBeforeReset) socket.resetAndDestroy();
      else socket.setTimeout(quietInMilliseconds);
    },

    /** Keeps a connection open until a large last response is read: Node would close it immediately. */
    holdLastResponse(socket: Socket): void {
      const destroySoon = socket.destroySoon.bind(socket);
      socket.destroySoon = () => (isLarge(socket) ? endLater(socket) : destroySoon());
    },
  };
}
