import type http from "node:http";

/** What the server knows of one connection. */
export interface Connection {
  /** The request in progress. */
  current: http.ServerResponse | undefined;
  /** Requests that arrived without waiting for the response before theirs; none of them has begun. */
  waiting: [http.IncomingMessage, http.ServerResponse][];
  /** How many bytes had arrived when the last response was complete: more mean a request in transit. */
  bytesReadWhenIdle: number;
  /** How many bytes had been written when the last request began. */
  bytesWrittenBefore: number;
  /** How many times in a row the socket was quiet, and when it was last. */
  quiet: { times: number; at: number };
  /** Its bytes may not be what they seem, or its last response is sent: nothing that follows on it is a request. */
  isRejected: boolean;
}
