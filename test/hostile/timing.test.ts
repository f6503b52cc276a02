/** Whether the time of a response reveals what the response does not. */
import { expect, it } from "vitest";
import { createTemporaryDatabase } from "../support/databases.ts";
import { addFigure, percentile } from "../support/figures.ts";
import { createKeyByCommand, runCommand, spawnServer } from "../support/processes.ts";
import { buildRequestBytes } from "../support/rawHttp.ts";
import { Caller } from "./caller.ts";
import { count, isFull } from "./counts.ts";

/** Above it, two distributions differ, as in dudect (Reparaz, Balasch, Verbauwhede, 2017). */
const greatestT = 4.5;

/**
 * The share of all times that is kept: the slowest are pauses of the machine, which say nothing about the server and
 * would hide what it does. One share, chosen beforehand, is one test; the best of many would find a signal in noise.
 */
const keptShare = 0.9;

/** Returns the mean and variance of some numbers. */
function computeMoments(values: number[]) {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
  return { mean, variance, count: values.length };
}

/** Returns Welch's t of two samples, the difference of their means, and its standard error. */
function compareMeans(first: number[], second: number[]) {
  const [a, b] = [computeMoments(first), computeMoments(second)];
  const error = Math.sqrt(a.variance / a.count + b.variance / b.count);
  return { t: (a.mean - b.mean) / error, difference: a.mean - b.mean, error };
}

/** Times two requests equally often, each pair in a random order; in microseconds. */
async function timePairs(port: number, requests: [Buffer, Buffer]): Promise<[number[], number[]]> {
  const caller = new Caller(port);
  const times: [number[], number[]] = [[], []];
  const warmUp = 500;
  for (let pair = -warmUp; pair < count("TIMINGS"); pair += 1) {
    const first = Math.random() < 0.5 ? 0 : 1;
    for (const which of [first, 1 - first] as (0 | 1)[]) {
      const startedAt = process.hrtime.bigint();
      await caller.exchange(requests[which]);
      if (pair >= 0) times[which].push(Number(process.hrtime.bigint() - startedAt) / 1_000);
    }
  }
  caller.close();
  return times;
}

it("response time: other company's or unknown ID, revoked or invalid key → equal", async () => {
  const DATABASE_URL = await createTemporaryDatabase();
  const key = await createKeyByCommand(DATABASE_URL);
  const revoked = await createKeyByCommand(DATABASE_URL);
  expect((await runCommand(["keys", "revoke", revoked.slice(0, 12)], { DATABASE_URL })).code).toBe(0);
  const other = await runCommand(
    ["keys", "create", "--company", "other", "--scopes", "customers:read,customers:write"],
    { DATABASE_URL },
  );
  const server = await spawnServer({ DATABASE_URL });
  const create = async (token: string, email: string) =>
    (await server.client(token).POST("/customers", { body: { email } })).data?.data.id ?? "";
  for (let number = 0; number < 20; number += 1) await create(key, `own-${number}@x.example`);
  const foreign = await create(other.stdout.trim(), "foreign@x.example");
  // As if created at the same moment, so at the same position of every index.
  const unknown = `${foreign.slice(0, -1)}${foreign.endsWith("0") ? "1" : "0"}`;
  const wrong = `dk_${[...revoked.slice(3)].reverse().join("")}`;

  const read = (path: string, token: string) =>
    buildRequestBytes(`GET /api/v1/customers${path}`, {
      Connection: "keep-alive",
      "X-Request-Id": "timed",
      Authorization: `Bearer ${token}`,
    });
  const comparisons: [string, Buffer, Buffer][] = [
    ["an unknown ID twice", read(`/${unknown}`, key), read(`/${unknown}`, key)],
    ["another company's ID and an unknown one", read(`/${foreign}`, key), read(`/${unknown}`, key)],
    ["a revoked key and a wrong one", read("", revoked), read("", wrong)],
  ];
  for (const [name, first, second] of comparisons) {
    const times = await timePairs(server.port, [first, second]);
    const most = percentile(times.flat(), keptShare);
    const [a, b] = times.map((some) => some.filter((time) => time <= most)) as [number[], number[]];
    const { t, difference, error } = compareMeans(a, b);
    const measured = `t = ${t.toFixed(2)}, ${difference.toFixed(2)} ± ${(1.96 * error).toFixed(2)} µs of ${computeMoments(a).mean.toFixed(0)}`;
    addFigure(`timing, ${count("TIMINGS")} of each`, name, measured, isFull ? "|t| under 4.5" : "");
    // A few hundred samples prove nothing: the short form only tests that the measurement works.
    if (isFull) expect(Math.abs(t), measured).toBeLessThan(greatestT);
  }
});
