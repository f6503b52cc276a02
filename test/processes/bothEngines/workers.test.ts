import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it, onTestFinished } from "vitest";
import { createDatabase } from "../../support/databases.ts";
import { runCommand, type SpawnedServer, spawnServer } from "../../support/processes.ts";

/** A server of two workers on a new database of the engine of this run. */
async function startWorkers(
  environment: Record<string, string> = {},
): Promise<SpawnedServer & { databaseUrl: string; key: string }> {
  const database = await createDatabase();
  onTestFinished(() => database.drop());
  const server = await spawnServer({ DATABASE_URL: database.url, WORKERS: "2", ...environment });
  const { stdout } = await runCommand(
    ["keys", "create", "--company", "acme", "--scopes", "customers:read,customers:write"],
    { DATABASE_URL: database.url },
  );
  return { ...server, databaseUrl: database.url, key: stdout.trim() };
}

function workersOf({ process: { pid } }: SpawnedServer): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8");
  return children.trim().split(" ").map(Number);
}

/** A request on a connection of its own, so that the workers take turns. */
function get({ url, key }: { url: string; key: string }): Promise<Response> {
  return fetch(`${url}/api/v1/customers`, {
    headers: { Authorization: `Bearer ${key}`, Connection: "close" },
  });
}

async function statusesOf(requests: number, server: { url: string; key: string }): Promise<number[]> {
  const responses = await Promise.all(Array.from({ length: requests }, () => get(server)));
  return responses.map(({ status }) => status).sort();
}

describe("WORKERS=2", () => {
  it("WORKERS=2: requests → two processes, one port, one rate limit", async () => {
    const server = await startWorkers({ RATE_LIMIT_PER_MINUTE: "10" });
    expect(workersOf(server)).toHaveLength(2);
    expect(await statusesOf(16, server)).toEqual([...Array(10).fill(200), ...Array(6).fill(429)]);
  });

  it("WORKERS=2: key revoked → 401 from both", async () => {
    const server = await startWorkers();
    expect(await statusesOf(8, server)).toEqual(Array(8).fill(200));
    await runCommand(["keys", "revoke", server.key.slice(0, 12)], { DATABASE_URL: server.databaseUrl });
    expect(await statusesOf(8, server)).toEqual(Array(8).fill(401));
  });

  it("WORKERS=2: a worker killed → replaced, requests still succeed", async () => {
    const server = await startWorkers();
    const [first, second] = workersOf(server) as [number, number];
    process.kill(first, "SIGKILL");
    await expect.poll(() => workersOf(server).length, { timeout: 10_000 }).toBe(1);
    expect(await statusesOf(4, server)).toEqual([200, 200, 200, 200]);
    await expect.poll(() => workersOf(server).length, { timeout: 20_000 }).toBe(2);
    expect(workersOf(server)).toContain(second);
    expect(workersOf(server)).not.toContain(first);
    expect(server.output()).toContain("a worker has died");
  });

  it("WORKERS=2: a worker killed with pending messages → the others keep serving", async () => {
    const server = await startWorkers({ RATE_LIMIT_PER_MINUTE: "10000" });
    // Node never responses a connection that it has handed to a process which no longer is.
    const ask = () =>
      Promise.allSettled(
        Array.from({ length: 32 }, () =>
          fetch(`${server.url}/api/v1/customers`, {
            headers: { Authorization: `Bearer ${server.key}` },
            signal: AbortSignal.timeout(5_000),
          }).then((response) => response.text()),
        ),
      );
    // Their connections stay open: a primary that stands still opens none.
    await ask();
    const [first] = workersOf(server) as [number];
    server.process.kill("SIGSTOP");
    const asked = ask();
    await sleep(300);
    process.kill(first, "SIGKILL");
    await sleep(100);
    server.process.kill("SIGCONT");
    await asked;
    await expect.poll(() => workersOf(server), { timeout: 20_000 }).not.toContain(first);
    await expect.poll(() => workersOf(server).length, { timeout: 20_000 }).toBe(2);
    expect(await statusesOf(4, server)).toEqual([200, 200, 200, 200]);
    server.process.kill("SIGTERM");
    expect(await server.exited).toBe(0);
  });

  it("WORKERS=2: SIGTERM → all workers exit, exit code 0", async () => {
    const server = await startWorkers();
    const workers = workersOf(server);
    expect((await get(server)).status).toBe(200);
    server.process.kill("SIGTERM");
    expect(await server.exited).toBe(0);
    for (const pid of workers) expect(() => process.kill(pid, 0)).toThrow("ESRCH");
  });
});

it("WORKERS=auto: start → one worker per processor", async () => {
  const server = await startWorkers({ WORKERS: "auto" });
  expect(workersOf(server)).toHaveLength(availableParallelism());
  expect((await get(server)).status).toBe(200);
});

it("WORKERS=2: database in memory → rejected", async () => {
  await expect(spawnServer({ DATABASE_URL: "sqlite::memory:", WORKERS: "2" })).rejects.toThrow(
    "exited with 1",
  );
});
