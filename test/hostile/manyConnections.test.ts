/** Many connections without a key: no crash, bounded memory, and others are served. */
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { addFigure } from "../support/figures.ts";
import { count } from "./counts.ts";
import { flood, pipeline, startAttacked } from "./floods.ts";
import { readPeakMemory } from "./memory.ts";
import { measureVictim } from "./victim.ts";

const request = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

it("connections: 250 that send one request after the other → others are served", async () => {
  const { server, victim } = await startAttacked();
  const milliseconds = count("PIPELINING_SECONDS") * 1_000;
  await measureVictim("250 connections, a request at a time", victim, () =>
    pipeline(server.port, 250, request, milliseconds),
  );
  expect(server.process.exitCode).toBeNull();
});

it("connections: 500 with 630 requests each → bounded memory, still serving", async () => {
  const { server } = await startAttacked({}, ["--max-old-space-size=256"]);
  const packet = request.repeat(630);
  for (let index = 0; index < 500; index++) flood(server.port, packet);
  await sleep(5_000);
  expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
  expect(server.process.exitCode).toBeNull();
  const peak = readPeakMemory(server);
  addFigure("500 connections x 630 requests", "resident memory", `${peak.toFixed(0)} MB`, "350 MB");
  expect(peak).toBeLessThan(350);
});
