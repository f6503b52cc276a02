import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it, onTestFinished } from "vitest";
import { createDatabase } from "../../support/databases.ts";
import { runCommand, type SpawnedServer, spawnServer } from "../../support/processes.ts";
import { buildRequestBytes, openConnection, parseResponses } from "../../support/rawHttp.ts";

/** A server of two workers on a new database of the engine of this run. */
async function startWorkers(
  environment: Record<string, string> = {},
  options?: { detached: boolean },
): Promise<SpawnedServer & { databaseUrl: string; key: string }> {
  const database = await createDatabase();
  onTestFinished(() => database.drop());
  const server = await spawnServer(
    { DATABASE_URL: database.url, WORKERS: "2", ...environment },
    undefined,
    options,
  );
  const { stdout } = await runCommand(
    ["keys", "create", "--company", "acme", "--scopes", "customers:read,customers:write"],
    { DATABASE_URL: database.url },
  );
  return { ...server, databaseUrl: database.url, key: stdout.trim() };
}

function listWorkers({ process: { pid } }: SpawnedServer): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8");
  return children.trim().split(" ").map(Number);
}

/** Sends a request on its own connection, so that the workers take turns. */
function get({ url, key }: { url: string; key: string }): Promise<Response> {
  return fetch(`${url}/api/v1/customers`, {
    headers: { Authorization: `Bearer ${key}`, Connection: "close" },
  });
}

async function readStatuses(requests: number, server: { url: string; key: string }): Promise<number[]> {
  const responses = await Promise.all(Array.from({ length: requests }, () => get(server)));
  return responses.map(({ status }) => status).sort();
}

describe("WORKERS=2", () => {
  it("WORKERS=2: requests → two processes, one port, one rate limit", async () => {
    const server = await startWorkers({ RATE_LIMIT_PER_MINUTE: "10" });
    expect(listWorkers(server)).toHaveLength(2);
    expect(await readStatuses(16, server)).toEqual([...Array(10).fill(200), ...Array(6).fill(429)]);
  });

  it("WORKERS=2: key revoked → 401 from both", async () => {
    const server = await startWorkers();
    expect(await readStatuses(8, server)).toEqual(Array(8).fill(200));
    await runCommand(["keys", "revoke", server.key.slice(0, 12)], { DATABASE_URL: server.databaseUrl });
    expect(await readStatuses(8, server)).toEqual(Array(8).fill(401));
  });

  it("WORKERS=2: a worker killed → replaced, requests still succeed", async () => {
    const server = await startWorkers();
    const [first, second] = listWorkers(server) as [number, number];
    process.kill(first, "SIGKILL");
    await expect.poll(() => listWorkers(server).length, { timeout: 10_000 }).toBe(1);
    expect(await readStatuses(4, server)).toEqual([200, 200, 200, 200]);
    await expect.poll(() => listWorkers(server).length, { timeout: 20_000 }).toBe(2);
    expect(listWorkers(server)).toContain(second);
    expect(listWorkers(server)).not.toContain(first);
    expect(server.output()).toContain("a worker has died");
  });

  it("WORKERS=2: a worker killed with pending messages → the others keep serving", async () => {
    const server = await startWorkers({ RATE_LIMIT_PER_MINUTE: "10000" });
    // Node never closes a connection that it was handing to a process that no longer exists.
    const send = () =>
      Promise.allSettled(
        Array.from({ length: 32 }, () =>
          fetch(`${server.url}/api/v1/customers`, {
            headers: { Authorization: `Bearer ${server.key}` },
            signal: AbortSignal.timeout(5_000),
          }).then((response) => response.text()),
        ),
      );
    // Their connections stay open: a stopped primary accepts no new ones.
    await send();
    const [first] = listWorkers(server) as [number];
    server.process.kill("SIGSTOP");
    const response = send();
    await sleep(300);
    process.kill(first, "SIGKILL");
    await sleep(100);
    server.process.kill("SIGCONT");
    await response;
    await expect.poll(() => listWorkers(server), { timeout: 20_000 }).not.toContain(first);
    await expect.poll(() => listWorkers(server).length, { timeout: 20_000 }).toBe(2);
    expect(await readStatuses(4, server)).toEqual([200, 200, 200, 200]);
    server.process.kill("SIGTERM");
    expect(await server.exited).toBe(0);
  });

  it("WORKERS=2: a worker killed, its first replacement fails → replaced again", async () => {
    const server = await startWorkers();
    const [first, second] = listWorkers(server) as [number, number];
    process.kill(first, "SIGKILL");
    let replacement: number | undefined;
    await expect
      .poll(() => (replacement = listWorkers(server).find((pid) => ![first, second].includes(pid))), {
        timeout: 20_000,
        interval: 10,
      })
      .toBeDefined();
    // It does not listen yet.
    process.kill(replacement as number, "SIGKILL");
    await expect.poll(server.output, { timeout: 10_000 }).toContain("a worker could not be replaced");
    await expect.poll(() => listWorkers(server), { timeout: 20_000 }).toHaveLength(2);
    expect(listWorkers(server)).not.toContain(replacement);
    expect(await readStatuses(4, server)).toEqual([200, 200, 200, 200]);
  });

  it.each([
    ["SIGTERM", "the primary"],
    ["SIGINT", "the primary"],
    // Ctrl-C in a terminal, and a terminal that closes.
    ["SIGINT", "the process group"],
    ["SIGHUP", "the process group"],
  ] as const)("WORKERS=2: %s to %s → requests finished, all exit", async (signal, recipient) => {
    const server = await startWorkers({}, { detached: true });
    const workers = listWorkers(server);
    const body = '{"email":"half@sent.example"}';
    const headers = {
      Authorization: `Bearer ${server.key}`,
      "Content-Type": "application/json",
      "Content-Length": String(body.length),
      Expect: "100-continue",
    };
    // One request in each worker.
    const halves = [await openConnection(server.port), await openConnection(server.port)];
    for (const half of halves) {
      half.send(buildRequestBytes("POST /api/v1/customers", headers).toString());
      await half.receives("100 Continue");
    }
    const { pid } = server.process as { pid: number };
    process.kill(recipient === "the primary" ? pid : -pid, signal);
    await expect.poll(() => server.output().match(/"msg":"stopping"/g)).toHaveLength(3);
    for (const half of halves) half.send(body);
    const statuses = [];
    for (const { closed } of halves)
      statuses.push(parseResponses(await closed, "POST", "/api/v1/customers").at(-1)?.status);
    expect(statuses.sort()).toEqual([201, 409]);
    expect(await server.exited).toBe(0);
    for (const worker of workers) expect(() => process.kill(worker, 0)).toThrow("ESRCH");
    expect(server.output()).not.toContain("a worker has died");
    expect(server.output().match(/"msg":"stopped"/g)).toHaveLength(3);
  });
});

it("WORKERS=auto: start → one worker per processor", async () => {
  const server = await startWorkers({ WORKERS: "auto" });
  expect(listWorkers(server)).toHaveLength(availableParallelism());
  expect((await get(server)).status).toBe(200);
});

it("WORKERS=2: database in memory → rejected", async () => {
  await expect(spawnServer({ DATABASE_URL: "sqlite::memory:", WORKERS: "2" })).rejects.toThrow(
    "exited with 1",
  );
});
