/**
 * Ten times the load that the server can take: bounded memory, live probes, quick 503s, and full speed afterwards. The
 * server has one core, the load the other; PostgreSQL runs on both.
 */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it, onTestFinished } from "vitest";
import { createTemporaryDatabase } from "../support/databases.ts";
import { addFigure, percentile } from "../support/figures.ts";
import { createKeyByCommand, spawnServer } from "../support/processes.ts";
import { Caller } from "./caller.ts";
import { count } from "./counts.ts";
import { readCpuTime, readPeakMemory } from "./memory.ts";
import { sendLoad } from "./sendLoad.ts";

/** Gives all threads of a process one core. */
function pinTo(core: string, pid = process.pid): void {
  execFileSync("taskset", ["--all-tasks", "--cpu-list", "--pid", core, String(pid)], { stdio: "ignore" });
}

/** Polls a URL every 200 ms in a process of its own, which the load does not delay. */
function startProbes(url: string) {
  const program = `
    let slowest = 0;
    process.stdin.on("end", () => process.exit(console.log(slowest))).resume();
    for (;;) {
      const startedAt = performance.now();
      const { status } = await fetch("${url}", { headers: { Connection: "close" } });
      if (status !== 200) throw new Error(String(status));
      slowest = Math.max(slowest, performance.now() - startedAt);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", program], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  let output = "";
  child.stdout.on("data", (chunk) => (output += chunk));
  return {
    /** Stops, and returns how many milliseconds the slowest response took. */
    async stop(): Promise<number> {
      child.stdin.end();
      const [code] = await once(child, "close");
      expect(code).toBe(0);
      return Number(output);
    },
  };
}

it("overload: ten times the load → bounded memory, live probes, quick 503s, recovery", async () => {
  const DATABASE_URL = await createTemporaryDatabase();
  const key = await createKeyByCommand(DATABASE_URL);
  const server = await spawnServer({ DATABASE_URL });
  const { client } = server;
  for (let index = 0; index < 50; index++) {
    const body = { email: `orders@bakery-${index}.example`, name: `Corner Bakery ${index}` };
    expect((await client(key).POST("/customers", { body })).response.status).toBe(201);
  }
  pinTo("0", server.process.pid);
  pinTo("1");
  onTestFinished(() => pinTo("0,1"));
  const request = `GET /api/v1/customers HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${key}\r\n\r\n`;

  /** Measures how many responses 16 connections get, a request at a time: per second, and per second of CPU time. */
  async function measureCapacity(seconds: number) {
    const load = { rate: Number.POSITIVE_INFINITY, seconds, connections: 16 };
    const cpuTimeBefore = readCpuTime(server);
    const { latencies, failures } = await sendLoad(server.port, request, load);
    // A busy server rejects nothing.
    expect([[...latencies.keys()], failures]).toEqual([[200], 0]);
    const { length } = latencies.get(200) as number[];
    return { perSecond: length / seconds, perCpuSecond: length / (readCpuTime(server) - cpuTimeBefore) };
  }

  /** Compares responses with the contract, until it is told to stop. */
  function startChecks() {
    let isOver = false;
    const caller = new Caller(server.port);
    const headers = { Authorization: `Bearer ${key}` };
    const checking = (async () => {
      while (!isOver) {
        const { status } = await caller.send({ method: "GET", target: "/api/v1/customers", headers });
        expect([200, 503]).toContain(status);
      }
      caller.close();
    })();
    return async () => {
      isOver = true;
      await checking;
    };
  }

  // Compiles the code of the path.
  await measureCapacity(2);
  const before = await measureCapacity(3);
  const stopChecks = startChecks();
  const probes = startProbes(`${server.url}/healthz`);
  const seconds = count("OVERLOAD_SECONDS");
  const rate = 10 * before.perSecond;
  const overload = await sendLoad(server.port, request, { rate, seconds, connections: 1_000 });
  const slowestProbe = await probes.stop();
  await stopChecks();
  const peak = readPeakMemory(server);
  await sleep(2_000);
  const after = await measureCapacity(3);

  const title = `Ten times the load for ${seconds} s`;
  const [served = [], rejected = []] = [overload.latencies.get(200), overload.latencies.get(503)];
  const speeds = [before.perSecond, served.length / seconds, after.perSecond].map(Math.round).join(", ");
  addFigure(title, "lists a second before, meanwhile, afterwards", speeds);
  const costs = [before, after].map(({ perCpuSecond }) => (1_000 / perCpuSecond).toFixed(2)).join(", ");
  addFigure(title, "CPU time of a list before, afterwards", `${costs} ms`);
  addFigure(title, "503s a second", Math.round(rejected.length / seconds));
  addFigure(title, "requests that did not leave the client", overload.unsent);
  const p99 = percentile(rejected, 0.99);
  addFigure(title, "99th percentile of a 503", `${p99.toFixed(0)} ms`, "1000 ms");
  addFigure(title, "99th percentile of a list", `${percentile(served, 0.99).toFixed(0)} ms`);
  addFigure(title, "slowest /healthz", `${slowestProbe.toFixed(0)} ms`, "1000 ms");
  addFigure(title, "resident memory", `${peak.toFixed(0)} MB`, "300 MB");
  expect([...overload.latencies.keys()].sort()).toEqual([200, 503]);
  expect(overload.failures).toBe(0);
  expect(p99).toBeLessThan(1_000);
  expect(slowestProbe).toBeLessThan(1_000);
  expect(peak).toBeLessThan(300);
  // The speed of the machine varies if it does other work, the CPU time of a list less.
  expect(after.perCpuSecond).toBeGreaterThan(0.7 * before.perCpuSecond);
  expect(after.perSecond).toBeGreaterThan(0.3 * before.perSecond);
  expect(server.process.exitCode).toBeNull();
});
