/** SIGTERM while 64 connections send one request after another: two servers are restarted in turn. */
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { createTemporaryDatabase } from "../support/databases.ts";
import { addFigure, formatTimes } from "../support/figures.ts";
import { listAllCustomers } from "../support/listAllCustomers.ts";
import { freePort } from "../support/postgres.ts";
import { createKeyByCommand, type SpawnedServer, spawnServer } from "../support/processes.ts";
import { count } from "./counts.ts";

const connections = 64;
const exitMilliseconds = 10_000;
/** How often the load balancer polls readiness. */
const pollMilliseconds = 100;

/** Returns `ready`, `unavailable` or `stopping`; the last also if there is no response. */
async function readReadiness(server: SpawnedServer): Promise<string> {
  try {
    const response = await server.fetch("/readyz", { headers: { Connection: "close" } });
    return (await response.json()).status;
  } catch {
    return "stopping";
  }
}

it.each([1, 2])(
  "SIGTERM: 64 connections, WORKERS=%i → no failed request, exit code 0 within 10 s",
  async (workers) => {
    const DATABASE_URL = await createTemporaryDatabase();
    const key = await createKeyByCommand(DATABASE_URL);
    const restarts = Math.ceil(count("RESTARTS") / (workers === 1 ? 1 : 10));
    const start = (PORT: string) => spawnServer({ DATABASE_URL, PORT, WORKERS: String(workers) });
    const ports = [String(await freePort()), String(await freePort())];
    const servers = await Promise.all(ports.map(start));

    // A load balancer: it sends requests to servers that are ready; a rejected or reset connection is a failure.
    const states = ["ready", "ready"];
    // If none is ready, it uses those that are not stopping, as load balancers do.
    const usable = () => {
      const best = states.includes("ready") ? "ready" : "unavailable";
      return servers.filter((_, index) => states[index] === best);
    };
    let isOver = false;
    const failures: string[] = [];
    const created: string[] = [];
    let responses = 0;
    // Each server is polled on its own: a slow response from one must not hide that the other is stopping.
    const polling = states.map(async (_, index) => {
      while (!isOver) {
        states[index] = await readReadiness(servers[index] as SpawnedServer);
        await sleep(pollMilliseconds);
      }
    });
    const client = async (number: number) => {
      for (let round = 0; !isOver; round += 1) {
        const choice = usable();
        const server = choice[(number + round) % choice.length] as SpawnedServer;
        const email = `client-${number}-${round}@restart.example`;
        const isWrite = (number + round) % 8 === 0;
        const path = `/api/v1/customers${isWrite ? "" : "?limit=1"}`;
        const request = {
          method: isWrite ? "POST" : "GET",
          headers: { Authorization: `Bearer ${key}`, ...(isWrite && { "Content-Type": "application/json" }) },
          ...(isWrite && { body: JSON.stringify({ email }) }),
        };
        try {
          const response = await server.fetch(path, request);
          if (response.status !== (isWrite ? 201 : 200))
            failures.push(`${response.status} ${await response.text()}`);
          else if (isWrite) created.push(email);
          responses += 1;
        } catch (error) {
          failures.push(`${(error as Error).message}: ${(error as { cause?: Error }).cause?.message}`);
        }
        await sleep(300 * Math.random());
      }
    };
    const clients = Array.from({ length: connections }, (_, number) => client(number));

    const exitTimes: number[] = [];
    const stop = async (server: SpawnedServer) => {
      const signalledAt = performance.now();
      server.process.kill("SIGTERM");
      expect(await server.exited).toBe(0);
      exitTimes.push(performance.now() - signalledAt);
    };
    try {
      for (let restart = 0; restart < restarts && failures.length === 0; restart += 1) {
        const index = restart % 2;
        await stop(servers[index] as SpawnedServer);
        servers[index] = await start(ports[index] as string);
        await expect.poll(() => states, { timeout: 10_000, interval: 20 }).toEqual(["ready", "ready"]);
      }
    } finally {
      isOver = true;
      await Promise.all([...polling, ...clients]);
    }

    expect(failures).toEqual([]);
    const stored = await listAllCustomers((servers[0] as SpawnedServer).client(key));
    expect(stored.map(({ email }) => email).sort()).toEqual(created.toSorted());
    expect(Math.max(...exitTimes)).toBeLessThan(exitMilliseconds);
    const test = `SIGTERM, WORKERS=${workers}`;
    addFigure(test, "restarts under 64 connections", restarts);
    addFigure(test, "responses; failed requests", `${responses}; ${failures.length}`, "0 failed");
    addFigure(test, "exit code 0 after", formatTimes(exitTimes), "10000 ms");
  },
);
