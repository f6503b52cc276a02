/** Bounds what the server reads from one connection before it turns to the others. */
import type { Socket } from "node:net";
import type { Connection } from "./connection.ts";

/** The most that one read returns; a read of this size means that more data is waiting. */
const fullReadBytes = 65_536;

/** How many connections with more data are read in a turn of the event loop. */
const maxPerTurn = 8;

/** How much may arrive between two requests: Node skips any number of line breaks there. */
const maxBytesBetweenRequests = 131_072;

/**
 * Returns a function that reads a connection in turns of at most 64 KiB, where libuv would read up to 2 MiB at once, and
 * closes it if too much arrives between two requests.
 */
export function createFairReading(): (socket: Socket, connection: Connection) => void {
  /** Functions that resume reading, one for each connection with more data, in order. */
  const waiting: (() => void)[] = [];

  function endTurn(): void {
    for (const read of waiting.splice(0, maxPerTurn)) read();
    if (waiting.length > 0) setImmediate(endTurn);
  }

  return (socket, connection) => {
    let bytesBetweenRequests = 0;

    function read(): void {
      connection.hasReadEnough = false;
      const { current, waiting: requests } = connection;
      // With queued requests or a full body, the socket stays paused, and is resumed once they have been processed.
      const isFull = current !== undefined && current.req.readableLength >= current.req.readableHighWaterMark;
      if (requests.length === 0 && !isFull) socket.resume();
    }

    socket.on("data", ({ length }) => {
      const isBetweenRequests = !connection.current && (connection.unread?.complete ?? true);
      bytesBetweenRequests = isBetweenRequests ? bytesBetweenRequests + length : 0;
      if (bytesBetweenRequests > maxBytesBetweenRequests) return void socket.destroy();
      if (length < fullReadBytes) return;
      connection.hasReadEnough = true;
      socket.pause();
      if (waiting.length === 0) setImmediate(endTurn);
      waiting.push(read);
    });
  };
}
