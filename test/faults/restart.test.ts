/** SIGTERM while 64 connections ask one request after the other: two servers are restarted in turn. */
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { createTemporaryDatabase } from "../support/databases.ts";
import { listAllCustomers } from "../support/listAllCustomers.ts";
import { freePort } from "../support/postgres.ts";
import { createKeyByCommand, type SpawnedServer, spawnServer } from "../support/processes.ts";
import { count } from "./counts.ts";
import { addFigure, timesOf } from "./figures.ts";

const connections = 64;
const exitMilliseconds = 10_000;
/** How often the balancer asks who is ready. */
const pollMilliseconds = 100;

/** `ready`, `unavailable` or `stopping`; the last also where nobody answers. */
async function readinessOf(server: SpawnedServer): Promise<string> {
  try {
    const answer = await server.fetch("/readyz", { headers: { Connection: "close" } });
    return (await answer.json()).status;
  } catch {
    return "stopping";
  }
}

it.each([1, 2])(
  "SIGTERM under 64 connections fails no request, and ends with 0 within ten seconds: WORKERS=%i",
  async (workers) => {
    const DATABASE_URL = await createTemporaryDatabase();
    const key = await createKeyByCommand(DATABASE_URL);
    const restarts = Math.ceil(count("RESTARTS") / (workers === 1 ? 1 : 10));
    const start = (PORT: string) => spawnServer({ DATABASE_URL, PORT, WORKERS: String(workers) });
    const ports = [String(await freePort()), String(await freePort())];
    const servers = await Promise.all(ports.map(start));

    // A balancer: it sends to who says that it is ready, and a refusal or a reset is a failure.
    const states = ["ready", "ready"];
    // Where none is ready, it goes on with those that do not stop, as balancers do.
    const usable = () => {
      const best = states.includes("ready") ? "ready" : "unavailable";
      return servers.filter((_, index) => states[index] === best);
    };
    let isOver = false;
    const failures: string[] = [];
    const created: string[] = [];
    let answers = 0;
    // Each by itself: one that is slow to answer does not hide that the other stops.
    const polling = states.map(async (_, index) => {
      while (!isOver) {
        states[index] = await readinessOf(servers[index] as SpawnedServer);
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
          const answer = await server.fetch(path, request);
          if (answer.status !== (isWrite ? 201 : 200))
            failures.push(`${answer.status} ${await answer.text()}`);
          else if (isWrite) created.push(email);
          answers += 1;
        } catch (error) {
          failures.push(`${(error as Error).message}: ${(error as { cause?: Error }).cause?.message}`);
        }
        await sleep(300 * Math.random());
      }
    };
    const clients = Array.from({ length: connections }, (_, number) => client(number));

    const exitTimes: number[] = [];
    const stop = async (server: SpawnedServer) => {
      const toldAt = performance.now();
      server.process.kill("SIGTERM");
      expect(await server.exited).toBe(0);
      exitTimes.push(performance.now() - toldAt);
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
    addFigure(test, "answers; failed requests", `${answers}; ${failures.length}`, "0 failed");
    addFigure(test, "exit code 0 after", timesOf(exitTimes), "10000 ms");
  },
);
