import { afterEach, expect, it } from "vitest";
import { createKeyAdministration } from "../../server/keyAdministration.ts";
import { startServer, type TestServer } from "../support/server.ts";

let server: TestServer;
afterEach(() => server.stop());

const list = "/api/v1/customers";

/** Sends a request with an invalid key as a proxy would forward it for a caller. Returns the status. */
async function sendInvalidKey(caller: string): Promise<number> {
  const headers = { Authorization: "Bearer dk_wrong", "X-Forwarded-For": caller };
  return (await fetch(server.url + list, { headers })).status;
}

it("TRUST_PROXY: invalid keys of one caller → 429 only for that caller", async () => {
  server = await startServer({ requestsPerMinute: 10, trustProxy: 1 });
  expect(await sendInvalidKey("192.0.2.1")).toBe(401);
  expect(await sendInvalidKey("192.0.2.1")).toBe(429);
  expect(await sendInvalidKey("192.0.2.2")).toBe(401);
  // Only the last proxy is trusted: addresses that a caller adds are ignored.
  expect(await sendInvalidKey("198.51.100.7, 192.0.2.1")).toBe(429);
});

it("TRUST_PROXY: IPv6 callers → one limit for each /64", async () => {
  server = await startServer({ requestsPerMinute: 10, trustProxy: ["loopback"] });
  expect(await sendInvalidKey("2001:db8:0:1::1")).toBe(401);
  expect(await sendInvalidKey("2001:db8:0:1:ffff:ffff:ffff:ffff")).toBe(429);
  expect(await sendInvalidKey("2001:db8:0:2::1")).toBe(401);
  expect(await sendInvalidKey("::ffff:192.0.2.9")).toBe(401);
  expect(await sendInvalidKey("192.0.2.9")).toBe(429);
});

it("TRUST_PROXY: networks with the same digits in other groups → a limit each", async () => {
  server = await startServer({ requestsPerMinute: 10, trustProxy: 1 });
  expect(await sendInvalidKey("2001:db8:1:12::1")).toBe(401);
  expect(await sendInvalidKey("2001:db8:11:2::1")).toBe(401);
});

it("TRUST_PROXY: zone of an IPv6 address → ignored", async () => {
  server = await startServer({ requestsPerMinute: 10, trustProxy: 1 });
  expect(await sendInvalidKey("fe80::1%eth0.1")).toBe(401);
  expect(await sendInvalidKey("fe80::2%eth1")).toBe(429);
});

it("TRUST_PROXY: text that is not an address (RFC 7239) → a limit for each text", async () => {
  server = await startServer({ requestsPerMinute: 10, trustProxy: 1 });
  expect(await sendInvalidKey("unknown")).toBe(401);
  expect(await sendInvalidKey("unknown")).toBe(429);
  expect(await sendInvalidKey("_hidden")).toBe(401);
});

it("TRUST_PROXY: forwarded address is a key's ID → that key's limit unaffected", async () => {
  server = await startServer({ requestsPerMinute: 100, trustProxy: 1 });
  const { company, send } = await server.partner();
  const listed = await createKeyAdministration(server.database).list();
  const id = listed.find((one) => one.company === company)?.id ?? "";
  expect(await sendInvalidKey(id)).toBe(401);
  expect((await send("GET", "/customers")).headers.get("RateLimit-Remaining")).toBe("99");
});

it("TRUST_PROXY: off → X-Forwarded-For ignored", async () => {
  server = await startServer({ requestsPerMinute: 10 });
  expect(await sendInvalidKey("192.0.2.1")).toBe(401);
  expect(await sendInvalidKey("192.0.2.2")).toBe(429);
});

it("CORS_ORIGINS: a listed origin → allowed, with our headers exposed", async () => {
  server = await startServer({ corsOrigins: ["https://app.example", "https://other.example"] });
  const key = await server.createKey();
  const headers = { Origin: "https://app.example", Authorization: `Bearer ${key}` };
  const response = await fetch(server.url + list, { headers });
  expect(response.status).toBe(200);
  expect(response.headers.get("access-control-allow-origin")).toBe("https://app.example");
  expect(response.headers.get("access-control-expose-headers")).toMatch(
    /ETag.*RateLimit-Remaining.*X-Request-Id/,
  );
  // A page can read errors too.
  const rejected = await fetch(server.url + list, { headers: { Origin: "https://app.example" } });
  expect([rejected.status, rejected.headers.get("access-control-allow-origin")]).toEqual([
    401,
    "https://app.example",
  ]);
});

it("CORS_ORIGINS: preflight → 204 with methods and headers, without a key", async () => {
  server = await startServer({ corsOrigins: ["https://app.example"] });
  const response = await fetch(server.url + list, {
    method: "OPTIONS",
    headers: { Origin: "https://app.example", "Access-Control-Request-Method": "PATCH" },
  });
  expect([response.status, response.headers.get("allow")]).toEqual([204, "GET, HEAD, POST, OPTIONS"]);
  expect(response.headers.get("access-control-allow-methods")).toMatch(/PATCH/);
  expect(response.headers.get("access-control-allow-headers")).toMatch(
    /Authorization.*Idempotency-Key.*If-Match/,
  );
});

it("CORS_ORIGINS: another origin, or off → no Access-Control-Allow-Origin", async () => {
  server = await startServer({ corsOrigins: ["https://app.example"] });
  const headers = { Origin: "https://evil.example" };
  expect((await fetch(server.url + list, { headers })).headers.get("access-control-allow-origin")).toBeNull();
  await server.stop();
  server = await startServer();
  expect((await fetch(server.url + list, { headers })).headers.get("access-control-allow-origin")).toBeNull();
});
