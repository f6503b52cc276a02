import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { createTemporaryDatabase } from "../support/databases.ts";
import { spawnServer } from "../support/processes.ts";

it.each([1, 2])("SIGUSR1: WORKERS=%i → no inspector, the server goes on", async (workers) => {
  const DATABASE_URL = await createTemporaryDatabase();
  const server = await spawnServer({ DATABASE_URL, WORKERS: String(workers) }, undefined, {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let errors = "";
  server.process.stderr?.on("data", (chunk) => (errors += chunk));
  for (let time = 0; time < 3; time++) {
    server.process.kill("SIGUSR1");
    await sleep(300);
  }
  expect(errors).toBe("");
  expect(server.process.exitCode).toBeNull();
  expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
  await expect.poll(server.output).toContain("SIGUSR1 ignored");
});
