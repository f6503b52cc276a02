/** Requests that are sent without waiting for responses: no crash, bounded memory, and others are served. */
import { describe, expect, it } from "vitest";
import { addFigure } from "../support/figures.ts";
import { Caller } from "./caller.ts";
import { count } from "./counts.ts";
import { drain, flood, floodAgain, pipeline, startAttacked } from "./floods.ts";
import { readPeakMemory } from "./memory.ts";
import { measureVictim } from "./victim.ts";

const customers = "/api/v1/customers";

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
