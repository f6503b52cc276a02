/** Several processes on one PostgreSQL, behind a round-robin load balancer, behave like one. */
import pg from "pg";
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import { createCheckedFetch } from "../../../server/checkedFetch.ts";
import { type SpawnedServer, spawnServer } from "../../support/processes.ts";
import { startServer, type TestServer } from "../../support/server.ts";

const processes = 3;

let server: TestServer;
beforeAll(async () => {
  // This server only creates the database and the keys; requests are sent to the processes.
  server = await startServer();
});
afterAll(() => server.stop());

const checkedFetch = createCheckedFetch();

/** Starts several server processes; each request is sent to the next one. */
async function startCluster(environment: Record<string, string> = {}) {
  const members: SpawnedServer[] = await Promise.all(
    Array.from({ length: processes }, () =>
      spawnServer({ DATABASE_URL: server.databaseUrl, ...environment }),
    ),
  );
  let turn = 0;
  return async function send(
    key: string,
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ) {
    const { url } = members[turn++ % processes] as SpawnedServer;
    const response = await checkedFetch(`${url}/api/v1${path}`, {
      method,
      headers: {
        Authorization: `Bearer ${key}`,
        ...(body !== undefined && { "Content-Type": "application/json" }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, body: text && JSON.parse(text) };
  };
}

it("cluster: 50 concurrent creates of one email → one 201, 49 times 409", async () => {
  const send = await startCluster();
  const key = await server.createKey({ company: "race" });
  const body = { email: "race@x.example" };
  const sent = await Promise.all(Array.from({ length: 50 }, () => send(key, "POST", "/customers", body)));
  expect(sent.map(({ status }) => status).sort()).toEqual([201, ...Array(49).fill(409)]);
  for (let n = 0; n < processes; n++)
    expect((await send(key, "GET", "/customers")).body.data).toHaveLength(1);
});

it("cluster: 30 creates under one Idempotency-Key → one customer, one response", async () => {
  const send = await startCluster();
  const key = await server.createKey({ company: "idempotency" });
  const sent = await Promise.all(
    Array.from({ length: 30 }, () =>
      send(key, "POST", "/customers", { email: "once@x.example" }, { "Idempotency-Key": "once" }),
    ),
  );
  const responses = sent.map(({ status, headers, text }) => [
    status,
    headers.get("ETag"),
    headers.get("Location"),
    text,
  ]);
  expect(new Set(responses.map((response) => JSON.stringify(response))).size).toBe(1);
  expect(responses[0]?.[0]).toBe(201);
  expect(sent.filter(({ headers }) => headers.get("Idempotent-Replayed") === "true")).toHaveLength(29);
  for (let n = 0; n < processes; n++) {
    const other = { email: "other@x.example" };
    const again = await send(key, "POST", "/customers", other, { "Idempotency-Key": "once" });
    expect(again.status).toBe(422);
    expect((await send(key, "GET", "/customers")).body.data).toHaveLength(1);
  }
});

it("cluster: 30 updates under one ETag → one 200, 29 times 412", async () => {
  const send = await startCluster();
  const key = await server.createKey({ company: "updates" });
  const created = await send(key, "POST", "/customers", { email: "tag@x.example" });
  const tag = { "If-Match": created.headers.get("ETag") as string };
  const path = `/customers/${created.body.data.id}`;
  const sent = await Promise.all(
    Array.from({ length: 30 }, (_, n) => send(key, "PATCH", path, { name: `Name ${n}` }, tag)),
  );
  expect(sent.map(({ status }) => status).sort()).toEqual([200, ...Array(29).fill(412)]);
});

it("cluster: writes of one process → visible to all, one iteration over all", async () => {
  const send = await startCluster();
  const key = await server.createKey({ company: "iterate" });
  const ids: string[] = [];
  for (let n = 0; n < 10; n++) {
    const { body } = await send(key, "POST", "/customers", { email: `n${n}@x.example` });
    ids.unshift(body.data.id);
    expect((await send(key, "GET", `/customers/${body.data.id}`)).status).toBe(200);
  }
  const seen: string[] = [];
  for (let cursor: string | null = ""; cursor !== null; ) {
    const { body } = await send(key, "GET", `/customers?limit=3&cursor=${cursor}`);
    seen.push(...body.data.map(({ id }: { id: string }) => id));
    cursor = body.pagination.nextCursor;
  }
  expect(seen.toSorted()).toEqual(ids.toSorted());
});

it("cluster: key revoked → 401 from every process", async () => {
  const send = await startCluster();
  const key = await server.createKey({ company: "revoked" });
  for (let n = 0; n < processes * 2; n++) expect((await send(key, "GET", "/customers")).status).toBe(200);
  await server.revokeKey(key);
  for (let n = 0; n < processes * 2; n++) expect((await send(key, "GET", "/customers")).status).toBe(401);
});

it("cluster: 60 requests at once, limit 30 → exactly 30 succeed", async () => {
  const send = await startCluster({ RATE_LIMIT_PER_MINUTE: "30" });
  const key = await server.createKey({ company: "limited" });
  const sent = await Promise.all(Array.from({ length: 60 }, () => send(key, "GET", "/customers")));
  expect(sent.map(({ status }) => status).sort()).toEqual([...Array(30).fill(200), ...Array(30).fill(429)]);
  const remaining = sent
    .filter(({ status }) => status === 200)
    .map(({ headers }) => headers.get("RateLimit-Remaining"));
  expect(remaining.map(Number).sort((a, b) => a - b)).toEqual(Array.from({ length: 30 }, (_, n) => n));
});

it("cluster: invalid keys → one limit for all processes", async () => {
  const send = await startCluster({ RATE_LIMIT_PER_MINUTE: "60" });
  const sent = await Promise.all(Array.from({ length: 12 }, () => send("dk_wrong", "GET", "/customers")));
  expect(sent.map(({ status }) => status).sort()).toEqual([...Array(6).fill(401), ...Array(6).fill(429)]);
});

it("invalid keys: none sent → 401, no row in rate_limits; a wrong one → one row", async () => {
  const fresh = await startServer({ requestsPerMinute: 60 });
  onTestFinished(() => fresh.stop());
  const client = new pg.Client(fresh.databaseUrl);
  await client.connect();
  onTestFinished(() => client.end());
  const countRows = async () =>
    Number((await client.query("select count(*) as count from rate_limits")).rows[0].count);
  for (let n = 0; n < 20; n++) expect((await fresh.fetch("/api/v1/customers")).status).toBe(401);
  expect(await countRows()).toBe(0);
  expect((await fresh.fetch("/api/v1/customers", { key: "dk_wrong" })).status).toBe(401);
  expect(await countRows()).toBe(1);
});
