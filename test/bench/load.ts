/** The load: a closed loop over a few connections that are kept open. */
import { connect } from "node:net";

/** What a batch of requests came to, as the clients saw it. */
export interface BatchResult {
  seconds: number;
  /** Of each request, in milliseconds, sorted. */
  latencies: Float64Array;
}

/** One request, byte for byte, and the status that it must be answered with. */
export interface LoadRequest {
  bytes: string;
  status: number;
}

const endOfHead = Buffer.from("\r\n\r\n");

/**
 * Sends `count` requests, on each connection the next as soon as the one before is answered.
 * Sockets and a parser for what the servers send, and no HTTP client: it would take more CPU time
 * than the faster servers, which share the machine with it.
 * @throws {Error} on any answer of another status
 */
export async function load(
  port: number,
  connections: number,
  count: number,
  next: () => LoadRequest,
): Promise<BatchResult> {
  const latencies = new Float64Array(count);
  let sent = 0;
  let answered = 0;

  function run(): Promise<void> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: "127.0.0.1", noDelay: true });
      let expected = 0;
      let sentAt = 0;
      let received: Buffer | undefined;
      function send() {
        if (sent === count) {
          socket.end();
          return;
        }
        sent++;
        const { bytes, status } = next();
        expected = status;
        sentAt = performance.now();
        socket.write(bytes);
      }
      socket.on("connect", send);
      socket.on("data", (chunk) => {
        received = received ? Buffer.concat([received, chunk]) : chunk;
        const end = received.indexOf(endOfHead);
        if (end < 0) return;
        const head = received.toString("latin1", 0, end);
        const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1];
        if (Number(head.slice(9, 12)) !== expected || length === undefined) {
          socket.destroy(new Error(`Expected a ${expected} with its length, and got:\n${received}`));
          return;
        }
        if (received.length < end + 4 + Number(length)) return;
        received = undefined;
        latencies[answered++] = performance.now() - sentAt;
        send();
      });
      socket.on("error", reject);
      socket.on("close", () => resolve());
    });
  }

  const startedAt = performance.now();
  await Promise.all(Array.from({ length: connections }, run));
  const seconds = (performance.now() - startedAt) / 1000;
  if (answered !== count) throw new Error(`Only ${answered} of ${count} requests were answered`);
  return { seconds, latencies: latencies.sort() };
}
