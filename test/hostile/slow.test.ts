/** Connections that send a byte every half second, even after the response. */
import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { createTemporaryDatabase } from "../support/databases.ts";
import { addFigure, percentile } from "../support/figures.ts";
import { createKeyByCommand, spawnServer } from "../support/processes.ts";
import { buildRequestBytes } from "../support/rawHttp.ts";
import { Caller } from "./caller.ts";
import { count } from "./counts.ts";

const list = "/api/v1/customers";
const secondsToResponse = 15;
/** One second in which a client may read the response, and one until its next bytes meet a reset. */
const secondsToReset = 2;

/** The response on a slow connection, and when the server closed its side and the whole connection, in milliseconds. */
interface Outcome {
  response: string;
  halfClosed: number;
  closed: number;
}

/** Begins a request, and sends a byte of it every half second until the connection is closed. */
async function sendSlowly(port: number, beginning: Buffer): Promise<Outcome> {
  // It keeps its own side open: a client that closes together with the server does no harm.
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  await once(socket, "connect");
  const startedAt = performance.now();
  const outcome = { response: "", halfClosed: undefined as number | undefined };
  socket.on("data", (chunk) => (outcome.response += chunk));
  socket.on("end", () => (outcome.halfClosed = performance.now() - startedAt));
  // Writing to a connection that the server has closed leads to a reset.
  socket.on("error", () => {});
  socket.write(beginning);
  const drip = setInterval(() => socket.write("a"), 500);
  await new Promise((resolve) => socket.once("close", resolve));
  clearInterval(drip);
  const closed = performance.now() - startedAt;
  // A connection whose request got a response before its body is reset, without an end event.
  return { response: outcome.response, halfClosed: outcome.halfClosed ?? closed, closed };
}

it("server: 500 slow connections → closed within 17 s, others are served", async () => {
  const DATABASE_URL = await createTemporaryDatabase();
  const key = await createKeyByCommand(DATABASE_URL);
  const server = await spawnServer({ DATABASE_URL });
  const headers = {
    Authorization: `Bearer ${key}`,
    "Content-Type": "application/json",
    "Content-Length": "1000",
  };
  const beginnings = [
    Buffer.from(`GET ${list} HTTP/1.1\r\nHost: x\r\nX-Slow: `),
    Buffer.from("GET /"),
    buildRequestBytes(`POST ${list}`, headers, '{"email":"'),
    // The server does not wait for the body of a request without a key.
    buildRequestBytes(
      `POST ${list}`,
      { ...headers, Authorization: "", Connection: "keep-alive" },
      '{"email":"',
    ),
  ];
  const slow = Array.from({ length: count("SLOW_SOCKETS") }, (_, index) =>
    sendSlowly(server.port, beginnings[index % beginnings.length] as Buffer),
  );

  const milliseconds: number[] = [];
  let isOver = false;
  const others = [0, 1, 2, 3].map(async (number) => {
    const caller = new Caller(server.port);
    while (!isOver) {
      const startedAt = performance.now();
      const { status } = await caller.send({
        method: "GET",
        target: number % 2 === 0 ? list : `${list}/x`,
        headers: { Authorization: `Bearer ${key}` },
      });
      milliseconds.push(performance.now() - startedAt);
      expect(status).toBe(number % 2 === 0 ? 200 : 404);
      await sleep(10 * Math.random());
    }
    caller.close();
  });
  const outcomes = await Promise.all(slow);
  isOver = true;
  await Promise.all(others);

  const test = `${outcomes.length} slow connections`;
  const slowest = (of: (outcome: Outcome) => number) => `${Math.round(Math.max(...outcomes.map(of)))} ms`;
  const share = (value: number) => `${percentile(milliseconds, value).toFixed(1)} ms`;
  addFigure(
    test,
    "all got a response after",
    slowest(({ halfClosed }) => halfClosed),
    "15 s",
  );
  addFigure(
    test,
    "all closed after, while they go on sending",
    slowest(({ closed }) => closed),
    "17 s",
  );
  addFigure(test, `median of ${milliseconds.length} other requests`, share(0.5));
  addFigure(test, "99th percentile of the others", share(0.99), "100 ms, not asserted");
  for (const { response, halfClosed, closed } of outcomes) {
    expect(response).toMatch(/^HTTP\/1\.1 (408|401) /);
    expect(halfClosed).toBeLessThan(secondsToResponse * 1_000);
    expect(closed).toBeLessThan((secondsToResponse + secondsToReset) * 1_000);
  }
});
