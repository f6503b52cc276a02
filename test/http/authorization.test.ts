import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import { buildRequestBytes } from "../support/rawHttp.ts";
import { bothScopes, startServer, type TestServer } from "../support/server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());

const malformed = "Missing or malformed Authorization header. Use: Bearer <api_key>";
const invalid = "This API key is invalid, expired or revoked.";

/** Sends a read with this header, whose bytes are sent unchanged, and returns the response. */
async function read(authorization: string | undefined) {
  const headers: Record<string, string> = authorization === undefined ? {} : { Authorization: authorization };
  const [response] = await server.exchange(buildRequestBytes("GET /api/v1/customers", headers));
  return {
    status: response?.status,
    error: JSON.parse(response?.body ?? "").error,
    challenge: response?.headers["www-authenticate"],
  };
}

it.each([
  ["is missing", () => undefined],
  ["is empty", () => ""],
  ["has no scheme", (key) => key],
  ["has no key", () => "Bearer"],
  ["has no key but a space", () => "Bearer "],
  ["has another scheme", (key) => `Basic ${key}`],
  ["has a scheme that ends in Bearer", (key) => `XBearer ${key}`],
  ["has a longer scheme", (key) => `Bearers ${key}`],
  ["has a tab", (key) => `Bearer\t${key}`],
  ["has a colon", (key) => `Bearer: ${key}`],
  ["has no space", (key) => `Bearer${key}`],
  ["has two keys", (key) => `Bearer ${key} ${key}`],
  ["has a second credential", (key) => `Bearer ${key}, Basic eDp5`],
  ["names the key", (key) => `Bearer token = ${key}`],
] as [string, (key: string) => string | undefined][])(
  "Authorization: %s → 401 malformed",
  async (_form, header) => {
    const { status, error, challenge } = await read(header(await server.createKey()));
    expect([status, error]).toEqual([401, malformed]);
    expect(challenge).toBe('Bearer realm="Distribu Customers API"');
  },
);

it.each([
  ["an unknown key", (key) => `Bearer dk_${key.slice(3).split("").reverse().join("")}`],
  ["one letter of the key in another case", (key) => `Bearer ${key.replace("dk_", "Dk_")}`],
  ["the key in quotes", (key) => `Bearer "${key}"`],
  ["the start of the key", (key) => `Bearer ${key.slice(0, 12)}`],
  ["the key and one character more", (key) => `Bearer ${key}A`],
  ["the key and a comma", (key) => `Bearer ${key},`],
  ["one character", () => "Bearer x"],
  ["any token", () => "Bearer eyJhbGciOiJub25lIn0.e30."],
  ["bytes beyond ASCII", () => "Bearer d\xe9"],
  ["a very long token", () => `Bearer ${"x".repeat(8_000)}`],
  ["SQL", () => "Bearer 'or'1'='1"],
] as [string, (key: string) => string][])("Authorization: %s → 401 invalid", async (_form, header) => {
  const { status, error, challenge } = await read(header(await server.createKey()));
  expect([status, error]).toEqual([401, invalid]);
  expect(challenge).toBe('Bearer realm="Distribu Customers API", error="invalid_token"');
});

it.each(["Bearer ", "bearer ", "BEARER ", "bEaReR ", "Bearer    "])(
  "Authorization: scheme '%s' (RFC 9110) → 200",
  async (scheme) => {
    expect((await read(scheme + (await server.createKey()))).status).toBe(200);
  },
);

it("Authorization: spaces around the value → 200", async () => {
  expect((await read(`   Bearer ${await server.createKey()}  `)).status).toBe(200);
});

it("API key: in a query, cookie or other header → 401", async () => {
  const key = await server.createKey();
  const response = await server.fetch("/api/v1/customers", {
    headers: {
      "X-Api-Key": key,
      Cookie: `Authorization=Bearer ${key}`,
      "Proxy-Authorization": `Bearer ${key}`,
    },
  });
  expect(response.status).toBe(401);
  expect((await server.fetch(`/api/v1/customers?access_token=${key}`)).status).toBe(401);
});

it("API key: expired → 401, same as an unknown key", async () => {
  const expired = await server.createKey({ expiresAt: Date.now() });
  expect(await read(`Bearer ${expired}`)).toEqual(await read("Bearer unknown"));
});

it("API key: before its expiry → 200", async () => {
  expect((await read(`Bearer ${await server.createKey({ expiresAt: Date.now() + 60_000 })}`)).status).toBe(
    200,
  );
});

it("API key: revoked → 401 on every server, other keys keep working", async () => {
  const { key, company, send } = await server.partner();
  const colleague = await server.partner({ company });
  const second = await startServer({ databaseUrl: server.databaseUrl });
  try {
    const elsewhere = () => second.fetch("/api/v1/customers", { key });
    expect([(await send("GET", "/customers")).status, (await elsewhere()).status]).toEqual([200, 200]);
    await server.revokeKey(key);
    expect(await read(`Bearer ${key}`)).toEqual(await read("Bearer unknown"));
    expect((await elsewhere()).status).toBe(401);
    expect((await send("POST", "/customers", { email: "late@x.example" })).status).toBe(401);
    expect((await colleague.send("GET", "/customers")).body.data).toEqual([]);
  } finally {
    await second.stop();
  }
});

it("scope: missing → 403 that names it in the error message and the challenge", async () => {
  for (const lacks of bothScopes) {
    const { send } = await server.partner({ scopes: bothScopes.filter((scope) => scope !== lacks) });
    const calls =
      lacks === "customers:read"
        ? [send("GET", "/customers"), send("HEAD", "/customers"), send("GET", "/customers/x")]
        : [send("POST", "/customers", {}), send("PATCH", "/customers/x", {})];
    for (const { status, body, headers } of await Promise.all(calls)) {
      expect(status).toBe(403);
      if (body !== undefined) expect(body).toEqual({ error: `This API key lacks the ${lacks} scope.` });
      expect(headers.get("WWW-Authenticate")).toBe(
        `Bearer realm="Distribu Customers API", error="insufficient_scope", scope="${lacks}"`,
      );
    }
  }
});

it("scope: one is enough for its operations → 200 and 201", async () => {
  const writer = await server.partner({ scopes: ["customers:write"] });
  const reader = await server.partner({ company: writer.company, scopes: ["customers:read"] });
  const { status, body } = await writer.send("POST", "/customers", { email: "scope@x.example" });
  const path = `/customers/${body.data.id}`;
  expect([status, (await writer.send("PATCH", path, { name: "Written" })).status]).toEqual([201, 200]);
  expect((await reader.send("GET", path)).body.data.name).toBe("Written");
  expect((await reader.send("GET", "/customers")).body.data).toHaveLength(1);
});

it("scope: missing → 403 whether or not the customer exists", async () => {
  const owner = await server.partner();
  const { body } = await owner.send("POST", "/customers", { email: "hidden@x.example" });
  const own = `/customers/${body.data.id}`;
  const foreign = await (await server.partner()).send("POST", "/customers", { email: "foreign@x.example" });
  const paths = [
    own,
    `/customers/${foreign.body.data.id}`,
    "/customers/019ab3f2-7c00-7d3a-9b52-3f6f1f0f6a11",
  ];
  const writer = await server.partner({ company: owner.company, scopes: ["customers:write"] });
  const reader = await server.partner({ company: owner.company, scopes: ["customers:read"] });
  const gets = await Promise.all(
    paths.map((path) => writer.send("GET", path, undefined, { "If-None-Match": "*" })),
  );
  const patches = await Promise.all(
    paths.map((path) => reader.send("PATCH", path, {}, { "If-Match": '"x"' })),
  );
  for (const sent of [gets, patches]) {
    expect(sent.map(({ status }) => status)).toEqual([403, 403, 403]);
    expect(new Set(sent.map(({ text }) => text)).size).toBe(1);
    expect(new Set(sent.map(({ headers }) => [...headers.keys()].join())).size).toBe(1);
  }
});

it("API key: concurrent requests of different keys → each its own response", async () => {
  let lookups = 0;
  const other = await startServer({
    onStatement({ sql }) {
      if (!sql.includes("api_keys") || !sql.startsWith("select")) return undefined;
      lookups += 1;
      return sleep(20);
    },
  });
  onTestFinished(other.stop);
  const names = ["one", "two", "three"];
  const partners = await Promise.all(names.map((company) => other.partner({ company })));
  for (const { send, company } of partners)
    await send("POST", "/customers", { email: `${company}@x.example` });
  const revoked = await other.createKey();
  await other.revokeKey(revoked);
  const list = async (key: string) => {
    const response = await other.fetch("/api/v1/customers", { key });
    return response.status === 200 ? (await response.json()).data[0].email : response.status;
  };
  const keys = [...partners.map(({ key }) => key), revoked, "unknown"];
  const listAll = () =>
    Promise.all(Array.from({ length: 60 }, (_, index) => list(keys[index % 5] as string)));
  // Opens the connections.
  await listAll();
  lookups = 0;
  const results = await listAll();
  const expected = [...names.map((name) => `${name}@x.example`), 401, 401];
  expect(results).toEqual(Array.from({ length: 60 }, (_, index) => expected[index % 5]));
  if (other.database.dialect === "postgres") expect(lookups).toBeLessThan(40);
  else expect(lookups).toBe(60);
});
