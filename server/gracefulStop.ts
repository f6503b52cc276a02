/** Stops an HTTP server without cutting requests in progress. */
import { once } from "node:events";
import type http from "node:http";
import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { Connection } from "./connection.ts";

/** An HTTP server that can stop gracefully. */
export interface StoppableServer extends http.Server {
  /**
   * Stops gracefully. First it keeps serving for the linger time, with `Connection: close`: clients may be sending on
   * kept-alive connections, and load balancers have yet to notice that it is not ready. Then it closes idle connections,
   * lets requests in progress finish, and stops listening. Resolves when all connections are closed, at the latest after
   * the grace period, when it aborts them.
   */
  stop(times: { lingerInMilliseconds: number; graceInMilliseconds: number }): Promise<void>;
}

/**
 * Adds the method to a server.
 * @param onStop called at its start; from then on, responses close their connections
 */
export function addStop(
  server: http.Server,
  connections: ReadonlyMap<Socket, Connection>,
  onStop: () => void,
): StoppableServer {
  function isIdle(socket: Socket, { current, bytesReadWhenIdle }: Connection): boolean {
    return !current && socket.bytesRead === bytesReadWhenIdle;
  }

  // Node's own method, which close() also calls, treats a connection whose response is not completely sent as idle and
  // cuts it.
  server.closeIdleConnections = () => {
    for (const [socket, connection] of connections) if (isIdle(socket, connection)) socket.destroy();
  };

  const stop: StoppableServer["stop"] = async ({ lingerInMilliseconds, graceInMilliseconds }) => {
    onStop();
    const grace = once(AbortSignal.timeout(graceInMilliseconds), "abort");
    for (const { current } of connections.values()) if (current) current.shouldKeepAlive = false;
    await sleep(lingerInMilliseconds);
    server.closeIdleConnections();
    // Connections opened from now on only learn that the server is not ready, so they do not delay the next step.
    const busy = [...connections.keys()].map(
      (socket) => new Promise((resolve) => socket.once("close", resolve)),
    );
    await Promise.race([Promise.all(busy), grace]);
    await Promise.race([new Promise((resolve) => server.close(resolve)), grace]);
    server.closeAllConnections();
  };
  return Object.assign(server, { stop });
}
