import type http from "node:http";

/** The state of a connection. */
export interface Connection {
  /** The request in progress. */
  current: http.ServerResponse | undefined;
  /** The previous request, if its body was not read completely before its response. */
  unread: http.IncomingMessage | undefined;
  /** Whether enough has been read from it in this turn of the event loop. */
  hasReadEnough: boolean;
  /** Pipelined requests that have arrived but not started. */
  waiting: [http.IncomingMessage, http.ServerResponse][];
  /**
   * How many bytes had arrived when the last response was completed: if more have arrived since, a request is in
   * transit.
   */
  bytesReadWhenIdle: number;
  /** How many bytes had been written when the current request started. */
  bytesWrittenBefore: number;
  /** How many times in a row the socket has timed out without progress, and when it last did. */
  quiet: { times: number; at: number };
  /**
   * Whether its framing is unreliable or its last response has been sent, so that further bytes are not treated as
   * requests.
   */
  isRejected: boolean;
}

/** Creates the state of a new connection. */
export function createConnection(): Connection {
  return {
    current: undefined,
    unread: undefined,
    hasReadEnough: false,
    waiting: [],
    bytesReadWhenIdle: 0,
    bytesWrittenBefore: 0,
    quiet: { times: 0, at: 0 },
    isRejected: false,
  };
}
