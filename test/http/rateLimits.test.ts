import { afterEach, describe, expect, it } from "vitest";
import type { ParsedResponse } from "../support/partner.ts";
import { startServer, type TestServer } from "../support/server.ts";

const servers: TestServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop();
});

async function startLimitedServer(requestsPerMinute: number): Promise<TestServer> {
  const server = await startServer({ requestsPerMinute });
  servers.push(server);
  return server;
}

const names = ["RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"];
const rateLimitHeaders = ({ headers }: Pick<ParsedResponse, "headers">) =>
  names.map((name) => headers.get(name));

it("rate limit: five requests of any kind → the sixth is 429", async () => {
  const { send } = await (await startLimitedServer(5)).partner();
  const sent = [
    await send("GET", "/customers"),
    await send("GET", "/customers/x"),
    await send("POST", "/customers", "{"),
    await send("HEAD", "/customers"),
    await send("PATCH", "/customers/x", {}),
    await send("GET", "/customers"),
    await send("POST", "/customers", { email: "over@x.example" }),
  ];
  expect(sent.map(({ status }) => status)).toEqual([200, 404, 400, 200, 404, 429, 429]);
  expect(sent.map((one) => rateLimitHeaders(one).slice(0, 2))).toEqual(
    ["4", "3", "2", "1", "0", "0", "0"].map((remaining) => ["5", remaining]),
  );
  for (const one of sent) {
    const reset = Number(one.headers.get("RateLimit-Reset"));
    expect(reset).toBeGreaterThan(0);
    expect(reset).toBeLessThanOrEqual(60);
  }
});

it("rate limit: 429 → Retry-After, retryAfter and RateLimit-Reset are the same", async () => {
  const { send } = await (await startLimitedServer(1)).partner();
  await send("GET", "/customers");
  const { status, body, headers } = await send("GET", "/customers");
  expect([status, body.error]).toEqual([429, "Rate limit exceeded."]);
  expect(headers.get("Retry-After")).toBe(String(body.retryAfter));
  expect(headers.get("RateLimit-Reset")).toBe(String(body.retryAfter));
  expect(Object.keys(body)).toEqual(["error", "retryAfter"]);
});

it("rate limit: createCustomer over the limit → 429, nothing created", async () => {
  const server = await startLimitedServer(1);
  const { company, send } = await server.partner();
  await send("GET", "/customers");
  await send("POST", "/customers", { email: "never@x.example" });
  const colleague = await server.partner({ company });
  expect((await colleague.send("GET", "/customers")).body.data).toEqual([]);
});

it("rate limit: one key over its limit → other keys of the company keep theirs", async () => {
  const server = await startLimitedServer(2);
  const { company, send } = await server.partner();
  for (let n = 0; n < 4; n++) await send("GET", "/customers");
  for (const other of [await server.partner({ company }), await server.partner()]) {
    const sent = await other.send("GET", "/customers");
    expect([sent.status, sent.headers.get("RateLimit-Remaining")]).toEqual([200, "1"]);
  }
});

it("rate limit: keys with their own limits → each counted separately", async () => {
  const server = await startLimitedServer(5);
  const [lower, higher, usual] = [
    await server.partner({ requestsPerMinute: 1 }),
    await server.partner({ requestsPerMinute: 7 }),
    await server.partner(),
  ];
  const sent: unknown[] = [];
  for (const { send } of [lower, higher, usual, lower, higher]) {
    const response = await send("GET", "/customers");
    sent.push([response.status, ...rateLimitHeaders(response).slice(0, 2)]);
  }
  expect(sent).toEqual([
    [200, "1", "0"],
    [200, "7", "6"],
    [200, "5", "4"],
    [429, "1", "0"],
    [200, "7", "5"],
  ]);
});

it("rate limit: two servers on one database → one count on PostgreSQL", async () => {
  const server = await startLimitedServer(5);
  const second = await startServer({ requestsPerMinute: 5, databaseUrl: server.databaseUrl });
  servers.unshift(second);
  const { key } = await server.partner();
  const statuses: number[] = [];
  for (const one of [server, server, server, second, second, second])
    statuses.push((await one.fetch("/api/v1/customers", { key })).status);
  // On SQLite, each process that is not a worker counts by itself.
  const last = server.database.dialect === "postgres" ? 429 : 200;
  expect(statuses).toEqual([200, 200, 200, 200, 200, last]);
});

it("rate limit: 30 concurrent requests, limit 10 → exactly 10 succeed", async () => {
  const { send } = await (await startLimitedServer(10)).partner();
  const sent = await Promise.all(Array.from({ length: 30 }, () => send("GET", "/customers")));
  expect(sent.filter(({ status }) => status === 200)).toHaveLength(10);
  expect(sent.filter(({ status }) => status === 429)).toHaveLength(20);
});

it("rate limit: 404, 405, OPTIONS and pages → not counted, no RateLimit headers", async () => {
  const server = await startLimitedServer(1);
  const { key, send } = await server.partner();
  for (const [method, path] of [
    ["GET", "/nowhere"],
    ["DELETE", "/customers"],
    ["OPTIONS", "/customers"],
  ] as const)
    expect(rateLimitHeaders(await send(method, path))).toEqual([null, null, null]);
  expect(rateLimitHeaders(await server.fetch("/healthz", { key }))).toEqual([null, null, null]);
  expect((await send("GET", "/customers")).status).toBe(200);
});

describe("RateLimit headers", () => {
  /** One response of each status after the key check. */
  async function provokeEveryStatus(server: TestServer): Promise<ParsedResponse[]> {
    const { company, send } = await server.partner();
    const reader = await server.partner({ company, scopes: ["customers:read"] });
    const key = { "Idempotency-Key": "k" };
    const created = await send("POST", "/customers", { email: "a@x.example" }, key);
    const path = `/customers/${created.body.data.id}`;
    return [
      created,
      await send("POST", "/customers", { email: "a@x.example" }, key),
      await send("GET", path),
      await send("GET", path, undefined, { "If-None-Match": "*" }),
      await send("GET", "/customers?page=1"),
      await reader.send("POST", "/customers", {}),
      await send("GET", "/customers/x"),
      await send("POST", "/customers", { email: "a@x.example" }),
      await send("PATCH", path, {}, { "If-Match": '"x"' }),
      await send("POST", "/customers", " ".repeat(65_537)),
      await send("POST", "/customers", {}, { "Content-Type": "text/plain" }),
      await send("POST", "/customers", { email: "b@x.example" }, key),
    ];
  }
  const statuses = [201, 201, 200, 304, 400, 403, 404, 409, 412, 413, 415, 422];

  it("RateLimit headers: every status after the key check → present", async () => {
    const sent = await provokeEveryStatus(await startLimitedServer(600));
    expect(sent.map(({ status }) => status)).toEqual(statuses);
    for (const one of sent) {
      const [limit, remaining, reset] = rateLimitHeaders(one).map(Number);
      expect(limit).toBe(600);
      expect(remaining).toBeLessThan(600);
      expect(reset).toBeGreaterThan(0);
    }
  });

  it("RateLimit headers: limits off → absent", async () => {
    const sent = await provokeEveryStatus(await startLimitedServer(0));
    expect(sent.map(({ status }) => status)).toEqual(statuses);
    for (const one of sent) expect(rateLimitHeaders(one)).toEqual([null, null, null]);
  });
});

describe("invalid keys", () => {
  const guess = (server: TestServer, n: number) => server.fetch("/api/v1/customers", { key: `dk_guess${n}` });

  it("invalid keys: sixth invalid key of an address → 429, a key seen live still works", async () => {
    const server = await startLimitedServer(50);
    const { send } = await server.partner();
    await send("GET", "/customers");
    const statuses: number[] = [];
    for (let n = 0; n < 8; n++) {
      const response = await guess(server, n);
      statuses.push(response.status);
      if (response.status === 429)
        expect((await response.json()).retryAfter).toBe(Number(response.headers.get("Retry-After")));
      else expect(rateLimitHeaders(response)).toEqual([null, null, null]);
    }
    expect(statuses).toEqual([401, 401, 401, 401, 401, 429, 429, 429]);
    const good = await send("GET", "/customers");
    expect([good.status, good.headers.get("RateLimit-Remaining")]).toEqual([200, "48"]);
  });

  it("invalid keys: address over the limit → looks up only keys seen live, else 429", async () => {
    let lookups = 0;
    const server = await startServer({
      requestsPerMinute: 20,
      onStatement: ({ sql }) => sql.includes("api_keys") && sql.startsWith("select") && lookups++,
    });
    servers.push(server);
    const [seen, revoked, unseen] = [await server.partner(), await server.partner(), await server.partner()];
    for (const { send } of [seen, revoked]) expect((await send("GET", "/customers")).status).toBe(200);
    for (let n = 0; n < 3; n++) await guess(server, n);
    await server.revokeKey(revoked.key);
    lookups = 0;
    const rejected = [
      await guess(server, 3),
      await unseen.send("GET", "/customers"),
      await server.fetch("/api/v1/customers"),
    ];
    for (const { status, headers } of rejected) {
      expect(status).toBe(429);
      expect(rateLimitHeaders({ headers }).slice(0, 2)).toEqual(["2", "0"]);
      expect(headers.get("RateLimit-Reset")).toBe(headers.get("Retry-After"));
    }
    expect(lookups).toBe(0);
    expect((await seen.send("GET", "/customers")).status).toBe(200);
    // It is looked up once more, and then no longer counts as live.
    for (const expected of [2, 2]) {
      expect((await revoked.send("GET", "/customers")).status).toBe(429);
      expect(lookups).toBe(expected);
    }
  });

  it("invalid keys: limit of 5 a minute → one 401, then 429", async () => {
    const server = await startLimitedServer(5);
    const statuses = [];
    for (let n = 0; n < 3; n++) statuses.push((await guess(server, n)).status);
    expect(statuses).toEqual([401, 429, 429]);
  });

  it("invalid keys: requests without a key → 401, not counted", async () => {
    const server = await startLimitedServer(10);
    for (let n = 0; n < 5; n++) expect((await server.fetch("/api/v1/customers")).status).toBe(401);
    expect((await guess(server, 0)).status).toBe(401);
  });

  it("invalid keys: expired keys → counted", async () => {
    const server = await startLimitedServer(10);
    const expired = await server.createKey({ expiresAt: Date.now() });
    const statuses = [];
    for (let n = 0; n < 2; n++)
      statuses.push((await server.fetch("/api/v1/customers", { key: expired })).status);
    expect(statuses).toEqual([401, 429]);
  });

  it("invalid keys: limits off → never 429", async () => {
    const server = await startLimitedServer(0);
    const { send } = await server.partner();
    for (let n = 0; n < 100; n++) expect((await guess(server, n)).status).toBe(401);
    const sent = await Promise.all(Array.from({ length: 100 }, () => send("GET", "/customers")));
    expect(new Set(sent.map(({ status }) => status))).toEqual(new Set([200]));
  });
});
