/** Signals other than those that supervisors send to stop a server, and signals during startup. */
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { createTemporaryDatabase } from "../support/databases.ts";
import { launchServer, spawnServer } from "../support/processes.ts";

it.each([
  ["SIGUSR1", 1],
  ["SIGUSR1", 2],
  ["SIGUSR2", 1],
  ["SIGUSR2", 2],
] as const)("%s: WORKERS=%i → no inspector, the server keeps running", async (signal, workers) => {
  const DATABASE_URL = await createTemporaryDatabase();
  const server = await spawnServer({ DATABASE_URL, WORKERS: String(workers) }, undefined, {
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  let errors = "";
  server.process.stderr?.on("data", (chunk) => (errors += chunk));
  for (let time = 0; time < 3; time++) {
    // To the primary, and then to the workers too.
    process.kill((time === 0 ? 1 : -1) * (server.process.pid as number), signal);
    await sleep(300);
  }
  expect(errors).toBe("");
  expect(server.process.exitCode).toBeNull();
  expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
  await expect.poll(server.output).toContain(`${signal} ignored`);
});

/** Resolves once a process catches SIGHUP, which Node itself does not. */
async function catchesSignals(pid: number): Promise<void> {
  const isCaught = () => {
    const mask = /^SigCgt:\s*([0-9a-f]+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return (BigInt(`0x${mask}`) & 1n) === 1n;
  };
  while (!isCaught()) await sleep(1);
}

// While modules load, while the database is opened, while workers start.
it.each(
  [1, 2].flatMap((workers) =>
    [0, 100, 300, 600].flatMap((delay) =>
      (["SIGTERM", "SIGHUP"] as const).map((signal) => ({ workers, delay, signal })),
    ),
  ),
)("$signal: startup with WORKERS=$workers, after $delay ms → log line, code 0", async (given) => {
  const { workers, delay, signal } = given;
  const DATABASE_URL = await createTemporaryDatabase();
  const server = launchServer({ DATABASE_URL, WORKERS: String(workers) }, undefined, { detached: true });
  const pid = server.process.pid as number;
  await catchesSignals(pid);
  await sleep(delay);
  // To all processes, as systemd and terminals do.
  process.kill(-pid, signal);
  expect(await server.exited).toBe(0);
  expect(server.output()).toMatch(/"msg":"stopping".*"msg":"stopped"/s);
  expect(server.output()).not.toMatch(/"level":"(error|fatal)"/);
  // While modules load: stops before it opens the database.
  if (delay === 0) expect(server.output()).not.toContain('"msg":"listening"');
});

it("SIGTERM: while the database is not reachable → log line, code 0", async () => {
  const server = launchServer({ DATABASE_URL: "postgres://ann@127.0.0.1:1/name" });
  await expect.poll(server.output, { timeout: 10_000 }).toContain("retrying in one second");
  server.process.kill("SIGTERM");
  expect(await server.exited).toBe(0);
  expect(server.output()).toMatch(/"msg":"stopping".*"msg":"stopped"/s);
});
