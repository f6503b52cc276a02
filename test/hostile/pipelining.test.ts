/** Requests that are sent without waiting for responses: no crash, bounded memory, and others are served. */
import http from "node:http";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { createTemporaryDatabase } from "../support/databases.ts";
import { addFigure } from "../support/figures.ts";
import { largePath } from "../support/largePage.ts";
import { spawnServer } from "../support/processes.ts";
import { Caller } from "./caller.ts";
import { count } from "./counts.ts";
import { drain, flood, floodAgain, pipeline, startAttacked } from "./floods.ts";
import { readPeakMemory } from "./memory.ts";
import { measureVictim } from "./victim.ts";

const customers = "/api/v1/customers";

describe("every method and incomplete requests, alone and between others", () => {
  const big = `GET ${largePath} HTTP/1.1\r\nHost: x\r\n\r\n`;
  const get = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
  const units: Record<string, string> = {
    ...Object.fromEntries(
      http.METHODS.map((method) => [method, `${method} ${customers} HTTP/1.1\r\nHost: x\r\n\r\n`]),
    ),
    "CONNECT to a host": "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n",
    "OPTIONS *": "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
    Upgrade: `GET ${customers} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
    "Upgrade to h2c":
      "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: A\r\n\r\n",
    "the preface of HTTP/2": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "half a request line": "GET /heal",
    "half the headers": "GET / HTTP/1.1\r\nHost: x\r\nX-",
    "half a body": `POST ${customers} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{`,
    "half a chunk": `POST ${customers} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{`,
    "Expect: 100-continue": `POST ${customers} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n`,
    "a TLS hello": "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "zero bytes": "\0\0\0\0",
  };
  const forms: Record<string, (unit: string) => string> = {
    alone: (unit) => unit,
    twice: (unit) => unit + unit,
    "after a request": (unit) => get + unit,
    "before a request": (unit) => unit + get,
    "between two": (unit) => get + unit + get,
    "during a response": (unit) => big + unit + get,
  };

  /** What came within the time of a short wait, or before the server closed the connection. */
  async function receiveResponse(port: number, bytes: string): Promise<string> {
    let received = "";
    const socket = connect(port, "127.0.0.1", () => socket.write(bytes, "latin1"));
    socket.on("data", (chunk) =>
      received.length < 10_000 ? (received += chunk.toString("latin1")) : undefined,
    );
    socket.on("error", () => {});
    await Promise.race([new Promise((resolve) => socket.once("close", resolve)), sleep(1_000)]);
    socket.destroy();
    return received;
  }

  it.each(Object.keys(forms))("pipelining: each kind of request %s → others are served", async (form) => {
    const server = await spawnServer({ DATABASE_URL: await createTemporaryDatabase() });
    const all = Object.entries(units);
    const wrong: string[] = [];
    for (let start = 0; start < all.length; start += 24) {
      const some = all.slice(start, start + 24).map(async ([name, unit]) => {
        const received = await receiveResponse(server.port, forms[form]?.(unit) as string);
        const isFirst = form.startsWith("after") || form.startsWith("between") || form.startsWith("while");
        if (isFirst && !received.startsWith("HTTP/1.1 200 "))
          wrong.push(`${name}: ${received.slice(0, 100)}`);
      });
      await Promise.all(some);
    }
    expect(wrong).toEqual([]);
    expect(server.process.exitCode).toBeNull();
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
    addFigure("Pipelining", `connections, each request ${form}`, all.length);
  });
});

describe("large lists of one key in one packet", () => {
  it.each([
    ["reads", true],
    ["does not read", false],
  ] as const)("pipelining: 595 lists, client %s → bounded memory, others served", async (title, reads) => {
    // More than one of the process's responses at a time would not fit.
    const { server, key, victim } = await startAttacked({}, ["--max-old-space-size=256"]);
    const caller = new Caller(server.port);
    const headers = { Authorization: `Bearer ${key}`, "Content-Type": "application/json" };
    for (let n = 0; n < 100; n++) {
      const large = { email: `${n}@large.example`, name: "😀".repeat(200), notes: "😀".repeat(2_000) };
      const body = Buffer.from(JSON.stringify(large));
      expect((await caller.send({ method: "POST", target: customers, headers, body })).status).toBe(201);
    }
    caller.close();
    const request = `GET ${customers}?limit=100 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${key}\r\n\r\n`;
    const packet = request.repeat(count("PIPELINED_LISTS"));
    await measureVictim(`Pipelined lists, a client that ${title}`, victim, () =>
      drain([flood(server.port, packet, reads)], 8_000),
    );
    expect(server.process.exitCode).toBeNull();
    const peak = readPeakMemory(server);
    addFigure(
      `Pipelined lists, a client that ${title}`,
      "resident memory",
      `${peak.toFixed(0)} MB`,
      "300 MB",
    );
    expect(peak).toBeLessThan(300);
  });
});

describe("many requests without a key", () => {
  const invalidKey = (index: number) => `dk_${String(index).padStart(43, "0")}`;
  const attacks: Record<string, [connections: number, each: number, request: (index: number) => string]> = {
    "invalid keys": [
      8,
      count("PIPELINED_KEYS"),
      (index) => `GET ${customers} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${invalidKey(index)}\r\n\r\n`,
    ],
    "unknown paths": [8, 2 * count("PIPELINED_KEYS"), () => "GET / HTTP/1.1\r\nHost: x\r\n\r\n"],
    "readiness probes": [4, count("PIPELINED_KEYS") / 2, () => "GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n"],
  };

  it.each(Object.keys(attacks))("pipelining: %s on several connections → others are served", async (name) => {
    const [connections, each, request] = attacks[name] as (typeof attacks)[string];
    const { server, victim } = await startAttacked();
    const packets = Array.from({ length: connections }, (_, connection) =>
      Buffer.from(Array.from({ length: each }, (_, index) => request(connection * each + index)).join("")),
    );
    const title = `${connections} x ${each} pipelined ${name}`;
    const milliseconds = count("PIPELINING_SECONDS") * 1_000;
    await measureVictim(title, victim, () => floodAgain(server.port, packets, milliseconds));
    expect(server.process.exitCode).toBeNull();
    addFigure(title, "resident memory", `${readPeakMemory(server).toFixed(0)} MB`, "300 MB");
    expect(readPeakMemory(server)).toBeLessThan(300);
    const megabytes = server.output().length / 1e6;
    addFigure(title, "log", `${megabytes.toFixed(1)} MB`);
  });

  it.each(Object.keys(attacks))("pipelining: 48 %s at a time → others are served", async (name) => {
    const [connections, , request] = attacks[name] as (typeof attacks)[string];
    const { server, victim } = await startAttacked();
    const packet = Array.from({ length: 48 }, (_, index) => request(index)).join("");
    const title = `${connections} x 48 ${name} at a time`;
    const milliseconds = count("PIPELINING_SECONDS") * 1_000;
    let responses = 0;
    await measureVictim(title, victim, async () => {
      responses = await pipeline(server.port, connections, packet, milliseconds);
    });
    addFigure(title, "responses a second", Math.round((responses * 1_000) / milliseconds));
    expect(server.process.exitCode).toBeNull();
  });
});
