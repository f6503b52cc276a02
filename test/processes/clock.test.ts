/** The system clock is set years ahead while the server runs, and back. */
import { expect, it } from "vitest";
import { createTemporaryDatabase } from "../support/databases.ts";
import { spawnServerWithClock } from "../support/settableClock.ts";

it.each([1, 2])("clock: years ahead and back, WORKERS=%i → one warning each", async (workers) => {
  const DATABASE_URL = await createTemporaryDatabase();
  const { server, setClock } = await spawnServerWithClock({ DATABASE_URL, WORKERS: String(workers) });
  const readJumps = () =>
    [...server.output().matchAll(/"jumpInDays":(-?\d+)/g)].map(([, days]) => Number(days));
  const fiveYears = 5 * 365;
  for (const [offset, expected] of [
    [fiveYears * 86_400_000, [fiveYears]],
    [0, [fiveYears, -fiveYears]],
  ] as const) {
    await setClock(offset);
    await expect.poll(readJumps, { timeout: 10_000 }).toEqual(expected);
  }
  expect(server.output()).toContain("The system clock jumped to 20");
});
