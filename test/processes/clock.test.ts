/** The system clock is set years ahead while the server runs, and back. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, it, onTestFinished } from "vitest";
import { createTemporaryDatabase } from "../support/databases.ts";
import { spawnServer } from "../support/processes.ts";
import { temporaryFolder } from "../support/temporaryFolder.ts";

it.each([1, 2])("clock: years ahead and back, WORKERS=%i → one warning each", async (workers) => {
  const folder = temporaryFolder();
  onTestFinished(folder.remove);
  const CLOCK_FILE = join(folder.path, "clock");
  const server = await spawnServer({
    DATABASE_URL: await createTemporaryDatabase(),
    WORKERS: String(workers),
    CLOCK_FILE,
    NODE_OPTIONS: `--import=${pathToFileURL("test/faults/clock.js")}`,
  });
  const readJumps = () =>
    [...server.output().matchAll(/"jumpInDays":(-?\d+)/g)].map(([, days]) => Number(days));
  const fiveYears = 5 * 365;
  for (const [offset, expected] of [
    [fiveYears * 86_400_000, [fiveYears]],
    [0, [fiveYears, -fiveYears]],
  ] as const) {
    writeFileSync(CLOCK_FILE, String(offset));
    server.process.kill("SIGUSR2");
    await expect.poll(readJumps, { timeout: 10_000 }).toEqual(expected);
  }
  expect(server.output()).toContain("The system clock jumped to 20");
});
