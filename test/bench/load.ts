/** Generates load: a closed loop over a few kept-alive connections. */
import { connect } from "node:net";

/** The result of a batch of requests, as measured by the client. */
export interface BatchResult {
  seconds: number;
  /** The latency of each request, in milliseconds, sorted. */
  latencies: Float64Array;
}

/** A request, byte for byte, and the expected status of its response. */
export interface LoadRequest {
  bytes: string;
  status: number;
  /** Another status that the response may have. */
  orStatus?: number;
}

const endOfHeaders = Buffer.from("\r\n\r\n");

/**
 * Sends `count` requests. Each connection sends the next one as soon as it has received the previous response. It uses
 * sockets and a minimal parser, because an HTTP client would take more CPU time than the faster servers, which run on
 * the same machine.
 * @throws {Error} when a response has another status than expected
 */
export async function load(
  port: number,
  connections: number,
  count: number,
  next: () => LoadRequest,
): Promise<BatchResult> {
  const latencies = new Float64Array(count);
  let sent = 0;
  let received = 0;

  function run(): Promise<void> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: "127.0.0.1", noDelay: true });
      let expected: (number | undefined)[] = [];
      let sentAt = 0;
      let buffered: Buffer | undefined;
      function send() {
        if (sent === count) {
          socket.end();
          return;
        }
        sent++;
        const { bytes, status, orStatus } = next();
        expected = [status, orStatus];
        sentAt = performance.now();
        socket.write(bytes);
      }
      socket.on("connect", send);
      socket.on("data", (chunk) => {
        buffered = buffered ? Buffer.concat([buffered, chunk]) : chunk;
        const end = buffered.indexOf(endOfHeaders);
        if (end < 0) return;
        const headers = buffered.toString("latin1", 0, end);
        const length = /\r\ncontent-length: (\d+)/i.exec(headers)?.[1];
        if (!expected.includes(Number(headers.slice(9, 12))) || length === undefined) {
          socket.destroy(
            new Error(`Expected a ${expected[0]} with a Content-Length, but received:\n${buffered}`),
          );
          return;
        }
        if (buffered.length < end + 4 + Number(length)) return;
        buffered = undefined;
        latencies[received++] = performance.now() - sentAt;
        send();
      });
      socket.on("error", reject);
      socket.on("close", () => resolve());
    });
  }

  const startedAt = performance.now();
  await Promise.all(Array.from({ length: connections }, run));
  const seconds = (performance.now() - startedAt) / 1000;
  if (received !== count) throw new Error(`Only ${received} of ${count} requests got a response`);
  return { seconds, latencies: latencies.sort() };
}
