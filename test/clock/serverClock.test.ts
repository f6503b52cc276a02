/** Behavior that depends on time, with a clock that the tests control: it can stand still, advance or go back. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, onTestFinished, vi } from "vitest";
import { newCustomerId, parseCreatedAt } from "../../server/customerIds.ts";
import { createKeyAdministration } from "../../server/keyAdministration.ts";
import type { Partner } from "../support/partner.ts";
import { startServer, type TestServer } from "../support/server.ts";

const hour = 3_600_000;

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());

beforeEach(() => void vi.useFakeTimers({ toFake: ["Date", "performance"], now: Date.parse("2030-01-01") }));
afterEach(() => void vi.useRealTimers());

it("createCustomer: createdAt and updatedAt → the time of the create", async () => {
  const { send } = await server.partner();
  const { body } = await send("POST", "/customers", { email: "time@x.example" });
  const now = new Date(Date.now()).toISOString();
  expect([body.data.createdAt, body.data.updatedAt]).toEqual([now, now]);
});

it("customer IDs: 40,000 within a millisecond → ascending, each with its time", () => {
  vi.setSystemTime(Date.now() + 1_000);
  let latest = newCustomerId();
  const first = parseCreatedAt(latest);
  for (let n = 1; n < 40_000; n++) {
    const id = newCustomerId();
    if (id <= latest || parseCreatedAt(id) < parseCreatedAt(latest)) throw new Error(`${id} after ${latest}`);
    latest = id;
  }
  // A 15-bit counter within a millisecond, so the IDs span two or three milliseconds.
  expect(parseCreatedAt(latest) - first).toBeGreaterThanOrEqual(1);
  expect(parseCreatedAt(latest) - first).toBeLessThanOrEqual(2);
});

it("customer IDs: clock back, forward, standing still → in order of creation", async () => {
  const { send } = await server.partner();
  const created: string[] = [];
  for (const step of [0, 0, -hour, 1, 0, -hour, 3 * hour, 0, -hour]) {
    vi.setSystemTime(Date.now() + step);
    const { body } = await send("POST", "/customers", { email: `n${created.length}@x.example` });
    created.unshift(body.data.id);
  }
  const listed = (await send("GET", "/customers")).body.data.map(({ id }: { id: string }) => id);
  expect(listed).toEqual(created);
});

it("updateCustomer: changes within a millisecond, clock back → a new ETag each time", async () => {
  const { send } = await server.partner();
  const { body, headers } = await send("POST", "/customers", { email: "tags@x.example" });
  const tags = [headers.get("ETag")];
  const times = [body.data.updatedAt];
  for (const step of [0, 0, -hour, 0, hour]) {
    vi.setSystemTime(Date.now() + step);
    const sent = await send("PATCH", `/customers/${body.data.id}`, { name: `Name ${tags.length}` });
    tags.push(sent.headers.get("ETag"));
    times.push(sent.body.data.updatedAt);
  }
  expect(new Set(tags).size).toBe(6);
  expect(times).toEqual([...new Set(times)].sort());
});

it("API key: a millisecond before its expiry → 200, at its expiry → 401 and expired", async () => {
  const expiresAt = Date.now() + hour;
  const { company, send } = await server.partner({ expiresAt });
  const status = async () => {
    const listed = await createKeyAdministration(server.database).list();
    return listed.find((one) => one.company === company)?.status;
  };
  vi.setSystemTime(expiresAt - 1);
  expect([(await send("GET", "/customers")).status, await status()]).toEqual([200, "active"]);
  vi.setSystemTime(expiresAt);
  expect([(await send("GET", "/customers")).status, await status()]).toEqual([401, "expired"]);
});

it("API key: last use → accurate to the minute, for this key only", async () => {
  const { company, send } = await server.partner();
  await server.createKey({ company });
  const lastUses = async () => {
    const listed = await createKeyAdministration(server.database).list();
    return listed.filter((one) => one.company === company).map(({ lastUsedAt }) => lastUsedAt);
  };
  const useAt = async (time: number) => {
    vi.setSystemTime(time);
    expect((await send("GET", "/customers")).status).toBe(200);
  };
  const first = Date.now();
  await useAt(first);
  await expect.poll(async () => (await lastUses()).sort()).toEqual([first, null]);
  await useAt(first + 60_000);
  // A write that would follow the write of the last use, if there were one.
  await send("POST", "/customers", { email: "after@x.example" });
  expect((await lastUses()).sort()).toEqual([first, null]);
  await useAt(first + 60_001);
  await expect.poll(async () => (await lastUses()).sort()).toEqual([first + 60_001, null]);
});

it("API key: used again within a minute → no further write", async () => {
  let writes = 0;
  const observed = await startServer({
    onStatement: ({ sql }) => sql.startsWith("update") && sql.includes("api_keys") && writes++,
  });
  onTestFinished(observed.stop);
  const { send } = await observed.partner();
  const readLastUse = async () => (await createKeyAdministration(observed.database).list())[0]?.lastUsedAt;
  const start = Date.now();
  const counts: number[] = [];
  for (const [elapsed, lastUse] of [
    [0, 0],
    [0, 0],
    [60_000, 0],
    [60_001, 60_001],
    [60_001, 60_001],
    [120_001, 60_001],
  ] as const) {
    vi.setSystemTime(start + elapsed);
    await send("GET", "/customers");
    counts.push(writes);
    // The request does not wait for the write.
    await expect.poll(readLastUse).toBe(start + lastUse);
  }
  expect(counts).toEqual([1, 1, 1, 2, 2, 2]);
});

/** Advances the time, also in the database, because PostgreSQL uses its own clock. */
async function passTime({ database }: TestServer, milliseconds: number): Promise<void> {
  vi.advanceTimersByTime(milliseconds);
  if (database.dialect === "sqlite") return;
  const { knex, prepare, write } = database;
  const statement = prepare(
    knex("rate_limits")
      .update("expire", knex.raw("expire - ?", [milliseconds]))
      .returning("key"),
  );
  await write([{ statement, values: {} }]);
}

it("rate limit: request after Retry-After → 200, a second before → 429", async () => {
  const limited = await startServer({ requestsPerMinute: 1 });
  onTestFinished(limited.stop);
  const { send } = await limited.partner();
  const first = await send("GET", "/customers");
  expect([first.status, first.headers.get("RateLimit-Reset")]).toEqual([200, "60"]);
  await passTime(limited, 500);
  const rejected = await send("GET", "/customers");
  expect([rejected.status, rejected.headers.get("Retry-After")]).toEqual([429, "60"]);
  await passTime(limited, 59_000);
  const { status, headers } = await send("GET", "/customers");
  expect([status, headers.get("Retry-After")]).toEqual([429, "1"]);
  await passTime(limited, 1_000);
  expect((await send("GET", "/customers")).status).toBe(200);
});

it("invalid keys: request at the end of the window → 401, before → 429", async () => {
  const limited = await startServer({ requestsPerMinute: 10 });
  onTestFinished(limited.stop);
  const guess = async () => {
    const { status, headers } = await limited.fetch("/api/v1/customers", { key: "dk_guess" });
    return [status, headers.get("Retry-After")];
  };
  expect(await guess()).toEqual([401, null]);
  await passTime(limited, 500);
  expect(await guess()).toEqual([429, "60"]);
  await passTime(limited, 59_000);
  expect(await guess()).toEqual([429, "1"]);
  // The window ends now.
  await passTime(limited, 500);
  expect(await guess()).toEqual([401, null]);
});

it("invalid keys: network over its limit → keys seen live within an hour still work", async () => {
  const limited = await startServer({ requestsPerMinute: 10 });
  onTestFinished(limited.stop);
  const [first, second, renewed] = [
    await limited.partner(),
    await limited.partner(),
    await limited.partner(),
  ];
  const readStatus = async ({ send }: Partner) => (await send("GET", "/customers")).status;
  const start = Date.now();
  for (const one of [first, second, renewed]) expect(await readStatus(one)).toBe(200);
  vi.setSystemTime(start + 60_001);
  expect(await readStatus(renewed)).toBe(200);
  vi.setSystemTime(start + hour - 1);
  for (const expected of [401, 429])
    expect((await limited.fetch("/api/v1/customers", { key: "dk_guess" })).status).toBe(expected);
  expect(await readStatus(first)).toBe(200);
  vi.setSystemTime(start + hour);
  expect([await readStatus(second), await readStatus(renewed)]).toEqual([429, 200]);
});
