import { afterAll, beforeAll, expect, it } from "vitest";
import { buildRequestBytes } from "../support/rawHttp.ts";
import { startServer, type TestServer } from "../support/server.ts";

let server: TestServer;
let key: string;
let readerKey: string;
beforeAll(async () => {
  server = await startServer();
  key = await server.createKey();
  readerKey = await server.createKey({ scopes: ["customers:read"] });
});
afterAll(() => server.stop());

const list = "/api/v1/customers";
const json = { "Content-Type": "application/json" };
const bearer = (token = key) => ({ Authorization: `Bearer ${token}` });

const body = '{"email":"expect@x.example"}';
const expecting = { Expect: "100-continue", "Content-Length": String(body.length) };

it.each<[string, number, () => Record<string, string>]>([
  ["without a key", 401, () => json],
  ["without the scope", 403, () => ({ ...json, ...bearer(readerKey) })],
  ["with a wrong type", 415, () => ({ "Content-Type": "text/plain", ...bearer() })],
  ["with a length over the limit", 413, () => ({ ...json, ...bearer(), "Content-Length": "65537" })],
  ["with a bad Idempotency-Key", 400, () => ({ ...json, ...bearer(), "Idempotency-Key": "" })],
])("Expect: 100-continue %s → %i without a 100", async (_fault, status, headers) => {
  const responses = await server.exchange(buildRequestBytes(`POST ${list}`, { ...expecting, ...headers() }));
  expect(responses.map((response) => response.status)).toEqual([status]);
});

it("Expect: 100-continue over the rate limit → 429 without a 100", async () => {
  const limited = await startServer({ requestsPerMinute: 1 });
  try {
    const { key: limitedKey, send } = await limited.partner();
    await send("GET", "/customers");
    const bytes = buildRequestBytes(`POST ${list}`, { ...expecting, ...json, ...bearer(limitedKey) });
    expect((await limited.exchange(bytes)).map(({ status }) => status)).toEqual([429]);
  } finally {
    await limited.stop();
  }
});

it("Expect: 100-continue on a valid request → 100, then 201", async () => {
  const bytes = buildRequestBytes(`POST ${list}`, { ...expecting, ...json, ...bearer() }, body);
  expect((await server.exchange(bytes)).map(({ status }) => status)).toEqual([100, 201]);
});

it("Expect: 100-continue without a body → 400", async () => {
  const headers = { ...json, ...bearer(), Expect: "100-continue" };
  const responses = await server.exchange(buildRequestBytes(`POST ${list}`, headers));
  // Without `optimizeEmptyRequests`, as on Node.js 22, a 100 comes first.
  expect(responses.at(-1)?.status).toBe(400);
});

it("Expect: 100-continue in HTTP/1.0 → no 100", async () => {
  const bytes = buildRequestBytes(`GET ${list}`, bearer()).toString("latin1");
  const post = bytes
    .replace(`GET ${list} HTTP/1.1`, `POST ${list} HTTP/1.0`)
    .replace(
      "\r\n\r\n",
      `\r\nExpect: 100-continue\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}`,
    );
  expect((await server.exchange(post)).map(({ status }) => status)).toEqual([400]);
});

it("Expect: unknown value → ignored", async () => {
  const headers = { Expect: "200-ok", "Content-Length": "2", ...json, ...bearer() };
  const responses = await server.exchange(buildRequestBytes(`POST ${list}`, headers, "{}"));
  expect(responses.map(({ status, body }) => [status, JSON.parse(body)])).toEqual([
    [400, { error: "Email is required.", field: "email" }],
  ]);
});
