import type http from "node:http";

/** The state of a connection. */
export interface Connection {
  /** The request in progress. */
  current: http.ServerResponse | undefined;
  /** Pipelined requests that have arrived and not begun. */
  waiting: [http.IncomingMessage, http.ServerResponse][];
  /** How many bytes had arrived when the last response was complete: if there are more, a request is in transit. */
  bytesReadWhenIdle: number;
  /** How many bytes had been written when the current request began. */
  bytesWrittenBefore: number;
  /** How many times in a row the socket timed out without progress, and the last time. */
  quiet: { times: number; at: number };
  /** Its framing is not reliable, or its last response is sent: further bytes are not treated as requests. */
  isRejected: boolean;
}
