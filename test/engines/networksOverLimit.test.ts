/** On SQLite alone: the connections to PostgreSQL need the timers that this test controls. */
import { expect, it, onTestFinished, vi } from "vitest";
import { startServer } from "../support/server.ts";

it("invalid keys: network over its limit again → again rejected without a lookup", async () => {
  let lookups = 0;
  const limited = await startServer({
    requestsPerMinute: 10,
    onStatement: ({ sql }) => sql.includes("api_keys") && sql.startsWith("select") && lookups++,
  });
  onTestFinished(limited.stop);
  vi.useFakeTimers({ toFake: ["Date", "performance", "setTimeout"] });
  onTestFinished(() => void vi.useRealTimers());
  const counts: [number, number][] = [];
  const guess = async () => {
    const { status } = await limited.fetch("/api/v1/customers", { key: "dk_guess" });
    counts.push([status, lookups]);
  };
  for (let n = 0; n < 3; n++) await guess();
  vi.advanceTimersByTime(60_000);
  for (let n = 0; n < 3; n++) await guess();
  expect(counts).toEqual([
    [401, 1],
    [429, 2],
    [429, 2],
    [401, 3],
    [429, 4],
    [429, 4],
  ]);
});
