/** The most recent requests to the sandbox, kept in memory and streamed to its page (server-sent events). */
import type { Request, Response } from "express";
import { parseBearerToken } from "../apiKeys.ts";
import { sandboxKeys } from "./data.ts";

/** A request as the page lists it. */
export interface RecentRequest {
  /** Counts up from 1. */
  number: number;
  /** ISO 8601, when the response ended. */
  at: string;
  method: string;
  target: string;
  status: number;
  milliseconds: number;
  /** The page's name for the key; the key itself is not listed. */
  key: string;
}

const keptRequests = 50;

/** The interval of heartbeats. The server would close a response that sends nothing for longer. */
const heartbeatInMilliseconds = 3_000;

/** Keeps the most recent requests. `close` closes the streams, so that the server can stop. */
export function createRecentRequests() {
  const recent: RecentRequest[] = [];
  const streams = new Set<Response>();
  let received = 0;

  const heartbeat = setInterval(() => {
    for (const stream of streams) stream.write(":\n\n");
  }, heartbeatInMilliseconds);

  return {
    /** Records a request once its response has ended. */
    record({ method, originalUrl: target, headers }: Request, response: Response): void {
      const startedAt = performance.now();
      const key = nameKey(headers.authorization);
      response.once("close", () => {
        const request: RecentRequest = {
          number: ++received,
          at: new Date().toISOString(),
          method,
          target: target.length > 200 ? `${target.slice(0, 200)}…` : target,
          status: response.statusCode,
          milliseconds: Math.round((performance.now() - startedAt) * 10) / 10,
          key,
        };
        recent.push(request);
        if (recent.length > keptRequests) recent.shift();
        for (const stream of streams) stream.write(formatEvent(request));
      });
    },

    /** Sends the most recent requests, then each new one. */
    stream({ headers }: Request, response: Response): void {
      response.writeHead(200, {
        "Content-Type": "text/event-stream",
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
      });
      // When it reconnects, the browser names the last event it received, possibly from an earlier server.
      const last = Number(headers["last-event-id"] ?? 0);
      const missed = recent.filter(({ number }) => number > last || last > received);
      response.write(`retry: 1000\n\n${missed.map(formatEvent).join("")}`);
      streams.add(response);
      response.once("close", () => streams.delete(response));
    },

    close(): void {
      clearInterval(heartbeat);
      for (const stream of streams) stream.end();
    },
  };
}

function formatEvent(request: RecentRequest): string {
  return `id: ${request.number}\ndata: ${JSON.stringify(request)}\n\n`;
}

function nameKey(authorization: string | undefined): string {
  const token = parseBearerToken(authorization);
  if (token === undefined) return "no key";
  const [name] = Object.entries(sandboxKeys).find(([, { key }]) => key === token) ?? [];
  return name ?? "an unknown key";
}
