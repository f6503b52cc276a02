import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, it, onTestFinished } from "vitest";
import { createCustomersClient } from "../../client/index.ts";
import { startServer } from "../support/server.ts";

setFlagsFromString("--expose-gc");
const collectGarbage: () => void = runInNewContext("gc");
const megabytes = () => {
  collectGarbage();
  return process.memoryUsage().heapUsed / 1e6;
};

it("client: 3,500 creates at once at 3,000 a minute → all succeed, in 60 to 80 s", async () => {
  const server = await startServer({ requestsPerMinute: 3_000 });
  onTestFinished(() => server.stop());
  const statuses: number[] = [];
  const client = createCustomersClient({
    baseUrl: `${server.url}/api/v1`,
    apiKey: await server.createKey(),
    async fetch(request) {
      const response = await fetch(request);
      statuses.push(response.status);
      return response;
    },
  });
  const warnings: Error[] = [];
  const remember = (warning: Error) => void warnings.push(warning);
  process.on("warning", remember);
  onTestFinished(() => void process.off("warning", remember));

  const { signal } = new AbortController();
  const before = megabytes();
  const startedAt = performance.now();
  const calls = Array.from({ length: 3_500 }, (_, index) =>
    client.POST("/customers", { body: { email: `buyer${index}@pacing.example` }, signal }),
  );
  const waiting = megabytes() - before;
  for (const call of calls) expect((await call).response.status).toBe(201);
  const seconds = (performance.now() - startedAt) / 1_000;
  calls.length = 0;

  const after = megabytes() - before;

  expect(new Set(statuses)).toEqual(new Set([201]));
  expect(statuses).toHaveLength(3_500);
  expect(seconds).toBeGreaterThan(60);
  expect(seconds).toBeLessThan(80);
  expect(warnings).toEqual([]);
  // About 6 KB for each waiting call, and nothing for finished ones.
  expect(waiting).toBeLessThan(40);
  expect(after).toBeLessThan(20);
}, 120_000);
