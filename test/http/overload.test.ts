/** Overload: statements that block the event loop, and more connections than it can serve in time. */
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it, onTestFinished } from "vitest";
import { assertContract } from "../../server/checkedFetch.ts";
import type { ObservedResponse } from "../../server/contractCheck.ts";
import { createDeadlines } from "../../server/deadlines.ts";
import { createShortTurns } from "../../server/shortTurns.ts";
import { openConnection, parseResponses, requestBytes } from "../support/rawHttp.ts";
import { type ServerOptions, startServer } from "../support/server.ts";

const list = "/api/v1/customers";
const kept = { Connection: "keep-alive" };

/** Blocks the event loop. */
function block(milliseconds: number): void {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}

/** Starts a server with a key, and opens connections that have been served once: it accepts few new ones at a time. */
async function startConnected(options: ServerOptions, count: number) {
  const server = await startServer(options);
  onTestFinished(() => server.stop());
  const probe = requestBytes("GET /healthz", kept);
  const connections = await Promise.all(
    Array.from({ length: count }, async () => {
      const connection = await openConnection(server.port);
      connection.send(probe.toString());
      await connection.receives("ok");
      return connection;
    }),
  );
  /** Sends the last requests of a connection; returns the responses once the server has closed it. */
  async function exchange(index: number, bytes: Buffer): Promise<ObservedResponse[]> {
    connections[index]?.send(bytes.toString());
    const [, method = "", target = ""] = /^(\S+) (\S+)/.exec(bytes.toString()) ?? [];
    return parseResponses((await connections[index]?.closed) as Buffer, method, target).slice(1);
  }
  return { server, key: await server.createKey(), exchange };
}

/** Sends one request after the other on each of many connections, until it is stopped. */
function startLoad(port: number, request: Buffer, connections: number) {
  let [rejected, isOver] = [0, false];
  for (let opened = 0; opened < connections; opened++) {
    const socket = connect(port, "127.0.0.1", () => socket.write(request));
    onTestFinished(() => void socket.destroy());
    socket.on("data", (chunk) => {
      if (chunk.includes("HTTP/1.1 503 ")) rejected += 1;
      if (!isOver) socket.write(request);
    });
  }
  return { rejected: () => rejected, stop: () => void (isOver = true) };
}

it("overload: requests queued too long → 503 of the contract, probes are served", async () => {
  const each = 10;
  const { server, key, exchange } = await startConnected({ onStatement: () => block(2) }, 9 * each);
  const bearer = { Authorization: `Bearer ${key}` };
  const json = { ...bearer, "Content-Type": "application/json" };
  const body = "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n";
  const length = { "Content-Length": String(body.length) };
  const options = requestBytes(`OPTIONS ${list}`);
  const read = requestBytes(`GET ${list}`, { ...bearer, "X-Request-Id": "queued" });
  const write = requestBytes(`POST ${list}`, { ...json, ...length }, body);
  const keptWrite = requestBytes(`POST ${list}`, { ...json, ...length, ...kept }, body);
  // The client may or may not send the body after a 503, so the connection is closed. No 100 is sent.
  const expecting = requestBytes(`POST ${list}`, { ...bearer, ...length, ...kept, Expect: "100-continue" });
  /** Requests with their statuses if they are served and, where that is possible, rejected. */
  const requests: [bytes: Buffer, served: string, rejected?: string][] = [
    [read, "200", "503"],
    [requestBytes(`HEAD ${list}`, bearer), "200", "503"],
    [write, "400", "503"],
    // The body is not parsed as the next request.
    [Buffer.concat([keptWrite, options]), "400 204", "503 204"],
    [expecting, "415", "503"],
    [requestBytes("GET /openapi.json"), "200", "503"],
    [requestBytes("GET /nowhere"), "404"],
    [requestBytes("GET /healthz"), "200"],
    [options, "204"],
  ];
  const load = startLoad(server.port, requestBytes(`GET ${list}`, { ...bearer, ...kept }), 200);
  await expect.poll(load.rejected).toBeGreaterThan(0);

  // The newest requests are served, so the first of these expire.
  const statuses = requests.map(async ([bytes], group) => {
    const all = Array.from({ length: each }, (_, index) => exchange(group * each + index, bytes));
    const responses = await Promise.all(all);
    for (const [first] of responses) {
      assertContract(first as ObservedResponse);
      if (first?.status === 503) expect(first.headers["retry-after"]).toBe("1");
    }
    return new Set(responses.map((pair) => pair.map(({ status }) => status).join(" ")));
  });
  for (const [index, found] of (await Promise.all(statuses)).entries()) {
    const [bytes, served, rejected] = requests[index] as (typeof requests)[number];
    if (rejected !== undefined) expect.soft([...found], bytes.toString()).toContain(rejected);
    for (const status of found) expect.soft([served, rejected], bytes.toString()).toContain(status);
  }

  const queued = server.logLines.filter(({ requestId, status }) => requestId === "queued" && status === 503);
  expect(queued.length).toBeGreaterThan(0);
  for (const line of queued.filter(({ msg }) => msg === "request")) {
    expect(line.operationId).toBe("listCustomers");
    expect(line.durationInMilliseconds).toBeGreaterThan(250);
  }
  const causes = server.logLines.filter(({ msg }) => msg === "overloaded");
  expect(causes.length).toBeGreaterThan(0);
  expect(causes.length).toBeLessThan(load.rejected());

  load.stop();
  await sleep(1_000);
  expect((await server.fetch(list, { key })).status).toBe(200);
});

it("overload: burst, 46 of 110 requests queued for over 250 ms → none rejected", async () => {
  const { admit } = createShortTurns();
  const expired = await Promise.all(
    Array.from(
      { length: 110 },
      () =>
        new Promise((resolve) =>
          admit((queued) => {
            block(4);
            resolve(queued?.isExpired ?? false);
          }),
        ),
    ),
  );
  expect(new Set(expired)).toEqual(new Set([false]));
});

it("deadline: of a request that was queued → counts from its arrival", async () => {
  let expire = () => {};
  const expired = new Promise<void>((resolve) => (expire = resolve));
  const startedAt = performance.now();
  createDeadlines(2_000, expire)(undefined).start(startedAt - 1_500);
  await expired;
  const milliseconds = performance.now() - startedAt;
  expect(milliseconds).toBeGreaterThan(450);
  expect(milliseconds).toBeLessThan(1_900);
});
