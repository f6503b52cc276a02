/**
 * Responses to input that is not a valid request, written to the socket because node:http creates no response object
 * for it.
 */
import { randomUUID } from "node:crypto";
import type { Socket } from "node:net";
import type { Logger } from "pino";
import type { AnyRequestMessages } from "../generated/messages.ts";

/** How long a client may keep its side of the connection open after the response. */
const closeTimeoutInMilliseconds = 1_000;

const responses = {
  400: { reason: "Bad Request", message: "Malformed request." },
  404: { reason: "Not Found", message: "Not found." },
  408: { reason: "Request Timeout", message: "Request timed out." },
  431: { reason: "Request Header Fields Too Large", message: "Request headers are too large." },
} satisfies {
  [Status in keyof AnyRequestMessages]?: { reason: string; message: AnyRequestMessages[Status] };
};

export interface RawResponse {
  status: keyof typeof responses;
  /** Node's error code. */
  code?: string | undefined;
}

/** Sends an error response of the contract, logs it, and closes the connection. */
export function sendRawResponse(socket: Socket, { status, code }: RawResponse, log: Logger): void {
  const { reason, message } = responses[status];
  const body = JSON.stringify({ error: message });
  const requestId = randomUUID();
  log.info({ requestId, status, code }, "request");
  socket.end(
    [
      `HTTP/1.1 ${status} ${reason}`,
      `Date: ${new Date().toUTCString()}`,
      `X-Request-Id: ${requestId}`,
      "X-Content-Type-Options: nosniff",
      "Cache-Control: private, no-cache",
      "Content-Type: application/json",
      `Content-Length: ${Buffer.byteLength(body)}`,
      "Connection: close",
      "",
      body,
    ].join("\r\n"),
  );
  // The client may keep its side open and keep sending, even single bytes.
  setTimeout(() => socket.destroy(), closeTimeoutInMilliseconds).unref();
}
