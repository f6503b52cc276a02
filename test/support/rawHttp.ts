/** HTTP as bytes on a socket, for requests that `fetch` cannot send, and responses that it would hide. */
import { once } from "node:events";
import { connect } from "node:net";
import { onTestFinished } from "vitest";
import type { ObservedResponse } from "../../server/contractCheck.ts";

/**
 * Builds the bytes of a request with `Connection: close`, one byte for each character of the headers. The body is
 * appended unchanged: `headers` state its length.
 */
export function buildRequestBytes(
  line: string,
  headers: Record<string, string> = {},
  body: string | Buffer = "",
): Buffer {
  const all = { Host: "x", Connection: "close", ...headers };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.concat([
    Buffer.from(`${line} HTTP/1.1\r\n${lines.join("")}\r\n`, "latin1"),
    Buffer.from(body),
  ]);
}

/** Sends bytes on a new connection; returns what is received until the server closes it, or for `milliseconds`. */
export function exchangeBytes(port: number, bytes: string | Buffer, milliseconds = 20_000): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect(port, "127.0.0.1", () => socket.write(bytes));
    const timer = setTimeout(() => socket.destroy(), milliseconds);
    socket.on("data", (chunk) => chunks.push(chunk));
    socket.on("error", (error) => (chunks.length > 0 ? undefined : reject(error)));
    socket.on("close", () => {
      clearTimeout(timer);
      resolve(Buffer.concat(chunks));
    });
  });
}

/** A connection that stays open, for requests that are sent in part or not at all. */
export interface Connection {
  send(bytes: string): void;
  /** Resolves once the received bytes contain this text. */
  receives(text: string): Promise<void>;
  /** All received bytes, once the server has closed the connection. */
  closed: Promise<Buffer>;
}

/** Opens a connection, which is closed when the test finishes. */
export async function openConnection(port: number): Promise<Connection> {
  const socket = connect(port, "127.0.0.1");
  onTestFinished(() => void socket.destroy());
  let received = Buffer.alloc(0);
  socket.on("data", (chunk) => (received = Buffer.concat([received, chunk])));
  const closed = once(socket, "close").then(() => received);
  await once(socket, "connect");
  return {
    send: (bytes) => void socket.write(bytes),
    async receives(text) {
      while (!received.includes(text)) await once(socket, "data");
    },
    closed,
  };
}

/**
 * Parses raw bytes into responses, 1xx included; each must have a Content-Length, or no body. Bytes after a
 * response that must not have a body (RFC 9112, section 6.3) are returned as its body, because `fetch` would hide
 * them.
 */
export function parseResponses(raw: Buffer, method: string, target: string): ObservedResponse[] {
  const responses: ObservedResponse[] = [];
  let rest = raw;
  while (rest.length > 0) {
    const end = rest.indexOf("\r\n\r\n");
    const [statusLine = "", ...lines] = rest.subarray(0, end).toString("latin1").split("\r\n");
    const status = Number(statusLine.split(" ")[1]);
    const headers = Object.fromEntries(
      lines.map((line) => [
        line.slice(0, line.indexOf(":")).toLowerCase(),
        line.slice(line.indexOf(":") + 1).trim(),
      ]),
    );
    const following = rest.subarray(end + 4);
    const next = following.indexOf("HTTP/1.1 ");
    const length =
      method === "HEAD" || status < 200 || status === 204 || status === 304
        ? next < 0
          ? following.length
          : next
        : Number(headers["content-length"] ?? 0);
    const body = following.subarray(0, length).toString("utf8");
    responses.push({ method, target, status, headers, body });
    rest = rest.subarray(end + 4 + length);
  }
  return responses;
}
