/** Connections that send a byte now and then, and go on sending whatever they are told. */
import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { createTemporaryDatabase } from "../support/databases.ts";
import { addFigure, percentile } from "../support/figures.ts";
import { createKeyByCommand, spawnServer } from "../support/processes.ts";
import { requestBytes } from "../support/rawHttp.ts";
import { Caller } from "./caller.ts";
import { count } from "./counts.ts";

const list = "/api/v1/customers";
const secondsToTheEnd = 15;
/** A second in which a client may read its answer, and one in which it notices that nobody listens. */
const secondsToBeGone = 2;

/** When a slow connection was answered and ended, and when it was gone, in milliseconds. */
interface Fate {
  answer: string;
  ended: number;
  gone: number;
}

/** Begins a request, and sends a byte of it every half second until the connection is gone. */
async function sendSlowly(port: number, beginning: Buffer): Promise<Fate> {
  // It keeps its own side open: a client that closes when it is told is no danger.
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  await once(socket, "connect");
  const startedAt = performance.now();
  const fate = { answer: "", ended: undefined as number | undefined };
  socket.on("data", (chunk) => (fate.answer += chunk));
  socket.on("end", () => (fate.ended = performance.now() - startedAt));
  // What is written to a connection that is gone is answered by a reset.
  socket.on("error", () => {});
  socket.write(beginning);
  const drip = setInterval(() => socket.write("a"), 500);
  await new Promise((resolve) => socket.once("close", resolve));
  clearInterval(drip);
  const gone = performance.now() - startedAt;
  // One that was answered before its body came is cut, without an end of its own.
  return { answer: fate.answer, ended: fate.ended ?? gone, gone };
}

it("500 slow connections are ended within 15 s, gone two seconds later, and meanwhile others are answered", async () => {
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
    requestBytes(`POST ${list}`, headers, '{"email":"'),
    // Who has no key is not waited for.
    requestBytes(`POST ${list}`, { ...headers, Authorization: "", Connection: "keep-alive" }, '{"email":"'),
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
  const fates = await Promise.all(slow);
  isOver = true;
  await Promise.all(others);

  const test = `${fates.length} slow connections`;
  const slowest = (of: (fate: Fate) => number) => `${Math.round(Math.max(...fates.map(of)))} ms`;
  const share = (value: number) => `${percentile(milliseconds, value).toFixed(1)} ms`;
  addFigure(
    test,
    "all answered and ended after",
    slowest(({ ended }) => ended),
    "15 s",
  );
  addFigure(
    test,
    "all gone after, though they go on sending",
    slowest(({ gone }) => gone),
    "17 s",
  );
  addFigure(test, `median of ${milliseconds.length} other requests`, share(0.5));
  addFigure(test, "99th percentile of the others", share(0.99), "100 ms, not asserted");
  for (const { answer, ended, gone } of fates) {
    expect(answer).toMatch(/^HTTP\/1\.1 (408|401) /);
    expect(ended).toBeLessThan(secondsToTheEnd * 1_000);
    expect(gone).toBeLessThan((secondsToTheEnd + secondsToBeGone) * 1_000);
  }
});
