/** Loads a server, whether or not it keeps up. */
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * How many requests are due for each connection that is opened. The server accepts one connection in each turn of its
 * event loop. At a fixed rate, a slow machine would fall behind, and first requests would wait in the kernel.
 */
const requestsPerOpened = 50;

/** The outcome of the requests. */
export interface LoadResult {
  /** Milliseconds from each request to the end of its response, by status. */
  latencies: Map<number, number[]>;
  /** Requests that were not sent, as all connections waited for responses. */
  unsent: number;
  /** Connections that the server closed, and 503s without `Retry-After: 1`. */
  failures: number;
}

interface Client {
  socket: Socket;
  sentAt: number;
  /** The status of the response, and how many bytes of it have yet to arrive. */
  status: number;
  missing: number;
}

/**
 * Sends requests at a rate per second for a while, each on a connection without a request in progress or on a new one.
 * With a rate of Infinity, each connection sends its next request as soon as it has its response: a closed loop.
 */
export async function sendLoad(
  port: number,
  request: string,
  { rate, seconds, connections }: { rate: number; seconds: number; connections: number },
): Promise<LoadResult> {
  const result: LoadResult = { latencies: new Map(), unsent: 0, failures: 0 };
  const idle: Client[] = [];
  let open = 0;
  const isClosedLoop = rate === Number.POSITIVE_INFINITY;
  let [isOver, isDone] = [false, false];

  function send(client: Client): void {
    client.sentAt = performance.now();
    client.status = 0;
    client.socket.write(request);
  }

  function receive(client: Client, chunk: Buffer): void {
    if (client.status === 0) {
      const headers = chunk.toString("latin1", 0, chunk.indexOf("\r\n\r\n") + 4);
      client.status = Number(headers.slice(9, 12));
      client.missing = headers.length + Number(/content-length: (\d+)/i.exec(headers)?.[1]);
      if (client.status === 503 && !headers.includes("Retry-After: 1\r\n")) result.failures += 1;
    }
    client.missing -= chunk.length;
    if (client.missing > 0) return;
    const latencies = result.latencies.get(client.status) ?? [];
    latencies.push(performance.now() - client.sentAt);
    result.latencies.set(client.status, latencies);
    if (isClosedLoop && !isOver) send(client);
    else idle.push(client);
  }

  function openConnection(): void {
    open += 1;
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    const client = { socket, sentAt: 0, status: 0, missing: 0 };
    socket.on("data", (chunk) => receive(client, chunk));
    socket.on("error", () => {});
    socket.on("close", () => {
      if (!isDone) result.failures += 1;
    });
    send(client);
  }

  const startedAt = performance.now();
  const endsAt = startedAt + seconds * 1_000;
  if (isClosedLoop) for (; open < connections; ) openConnection();
  let due = 0;
  for (let now = startedAt; now < endsAt; now = performance.now()) {
    const count = isClosedLoop ? 0 : rate * ((now - startedAt) / 1_000);
    const mayBeOpen = Math.min(connections, count / requestsPerOpened);
    for (; due < count; due++) {
      const client = idle.pop();
      if (client) send(client);
      else if (open < mayBeOpen) openConnection();
      else result.unsent += 1;
    }
    await sleep(2);
  }
  isOver = true;
  // What was sent gets its response.
  for (let waited = 0; idle.length < open && waited < 5_000; waited += 50) await sleep(50);
  result.failures += open - idle.length;
  isDone = true;
  for (const { socket } of idle) socket.destroy();
  return result;
}
