import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Partner } from "../support/partner.ts";
import { buildRequestBytes } from "../support/rawHttp.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { shorten } from "../support/shorten.ts";

let server: TestServer;
let partner: Partner;
beforeAll(async () => {
  server = await startServer();
  partner = await server.partner();
});
afterAll(() => server.stop());

const notFound = [404, { error: "Not found." }];
const malformed = [400, { error: "Malformed request." }];
const bearer = () => ({ Authorization: `Bearer ${partner.key}` });

/** Sends an unmodified request line, with headers that `fetch` would change. */
async function exchange(line: string, headers: Record<string, string> = {}, body = "") {
  const responses = await server.exchange(buildRequestBytes(line, headers, body));
  const response = responses.at(-1);
  return {
    status: response?.status,
    headers: response?.headers ?? {},
    body: JSON.parse(response?.body || "null"),
  };
}

describe("order of checks", () => {
  let limited: TestServer;
  beforeAll(async () => {
    limited = await startServer({ requestsPerMinute: 2 });
  });
  afterAll(() => limited.stop());

  /** The faults, in the order of the checks. */
  const faults = [
    ["path", 404, "Not found."],
    ["method", 405, "Method not allowed."],
    ["key", 401, "Missing or malformed Authorization header. Use: Bearer <api_key>"],
    ["rate", 429, "Rate limit exceeded."],
    ["scope", 403, "This API key lacks the customers:write scope."],
    ["media type", 415, "Content-Type must be application/json."],
    ["size", 413, "Request body is too large."],
    ["query", 400, "Unknown query parameter."],
    ["body", 400, "Invalid JSON body."],
    ["field", 400, "Name must be between 1 and 200 characters."],
    ["row", 404, "Customer not found."],
    ["precondition", 412, "Customer has changed since it was read."],
  ] as const;
  type Fault = (typeof faults)[number][0];

  /** Sends an update that has all of these faults and no other. */
  async function send(wrong: Set<Fault>) {
    const owner = await limited.partner();
    const created = await owner.send("POST", "/customers", { email: "order@x.example" });
    const caller = await limited.partner({
      company: owner.company,
      scopes: wrong.has("scope") ? ["customers:read"] : ["customers:read", "customers:write"],
    });
    if (wrong.has("rate")) for (let n = 0; n < 2; n++) await caller.send("GET", "/customers");
    const id = wrong.has("row") ? "019ab3f2-7c00-7d3a-9b52-3f6f1f0f6a11" : created.body.data.id;
    const text = (wrong.has("field") ? '{"name":""}' : '{"name":"x"}') + (wrong.has("body") ? "}" : "");
    return caller.send(
      wrong.has("method") ? "DELETE" : "PATCH",
      `/customers/${id}${wrong.has("path") ? "/" : ""}${wrong.has("query") ? "?page=1" : ""}`,
      wrong.has("size") ? text.padEnd(65_537) : text,
      {
        ...(wrong.has("key") && { Authorization: "Basic eDp5" }),
        ...(wrong.has("media type") && { "Content-Type": "text/plain" }),
        ...(wrong.has("precondition") && { "If-Match": '"stale"' }),
      },
    );
  }

  const pairs = faults.flatMap((first, index) =>
    faults.slice(index + 1).map(([second]) => [first[0], second, first[1], first[2]] as const),
  );
  it.each(pairs)(
    "order of checks: %s and %s wrong → the former's status",
    async (first, second, status, error) => {
      const sent = await send(new Set([first, second]));
      expect([sent.status, sent.body.error]).toEqual([status, error]);
    },
  );

  it("order of checks: each fault alone, and with all later ones → its status", async () => {
    for (const [index, [fault, status, error]] of faults.entries())
      for (const wrong of [[fault], faults.slice(index).map(([name]) => name)]) {
        const sent = await send(new Set(wrong));
        expect([wrong, sent.status, sent.body.error]).toEqual([wrong, status, error]);
      }
    expect((await send(new Set())).status).toBe(200);
  });

  it("createCustomer: several faults → type, size, query, Idempotency-Key, body, 409", async () => {
    await partner.send("POST", "/customers", { email: "taken@x.example" });
    const order = [415, 413, "page", "Idempotency-Key", "Invalid JSON body.", "name", 409];
    for (const [first, expected] of order.entries()) {
      const fails = (position: number) => position >= first;
      const text = `{"email":"taken@x.example"${fails(5) ? ',"name":""' : ""}}${fails(4) ? "}" : ""}`;
      const { status, body } = await partner.send(
        "POST",
        `/customers${fails(2) ? "?page=1" : ""}`,
        fails(1) ? text.padEnd(65_537) : text,
        {
          ...(fails(0) && { "Content-Type": "text/plain" }),
          ...(fails(3) && { "Idempotency-Key": "" }),
        },
      );
      expect([status, body.field, body.error]).toContain(expected);
    }
  });
});

it.each([
  "/api/v1/customers/",
  "/api/v1/Customers",
  "/API/v1/customers",
  "/api/v1//customers",
  "//api/v1/customers",
  "/api/v1/customers/x/y",
  "/api/v1/customers/x/",
  "/api/v1/%63ustomers",
  "/api/v1/customers;a=b",
  "/api/v1/customers%3Fa",
  "/api/v1/./customers",
  "/api/v1/x/../customers",
  "/api/v1",
  "/api/v1/",
  "/api/v2/customers",
  "/customers",
  "/Docs",
  "/docs/",
  "/__proto__",
  "/constructor",
  "/api/v1/toString",
  "/%",
  "*",
])("path: %s → 404 with and without a key", async (path) => {
  for (const headers of [{}, bearer()]) {
    const { status, body } = await exchange(`GET ${path}`, headers);
    expect([status, body]).toEqual(notFound);
  }
});

it("path: absolute form with any host → same as its path", async () => {
  for (const origin of ["http://x", "http://other.example:81", "HTTP://x", "https://x", "http://x:y:z"])
    expect((await exchange(`GET ${origin}/api/v1/customers?limit=1`, bearer())).status).toBe(200);
  for (const target of ["x://", "ftp://x/api/v1/customers", "http://x/nowhere"])
    expect((await exchange(`GET ${target}`, bearer())).status).toBe(404);
  expect((await exchange("GET http://x/api/v1/customers/", bearer())).status).toBe(404);
});

it.each(["%", "%zz", "%ff", "%C3", "%ED%A0%80", "a%E2%82"])(
  "getCustomer: undecodable ID '%s' → 400 after the key check",
  async (id) => {
    const line = `GET /api/v1/customers/${id}`;
    expect((await exchange(line)).status).toBe(401);
    const { status, body } = await exchange(line, bearer());
    expect([status, body]).toEqual(malformed);
  },
);

it.each(["search=%", "search=%ff", "search=%C3%28", "%zz=1", "search=%ED%A0%80", "page=%"])(
  "listCustomers: query '%s' → 400 after key and scope",
  async (query) => {
    const line = `GET /api/v1/customers?${query}`;
    expect((await exchange(line)).status).toBe(401);
    const writer = await server.createKey({ scopes: ["customers:write"] });
    expect((await exchange(line, { Authorization: `Bearer ${writer}` })).status).toBe(403);
    const { status, body } = await exchange(line, bearer());
    expect([status, body]).toEqual(malformed);
  },
);

it("listCustomers: raw bytes beyond ASCII in the query → 400", async () => {
  for (const bytes of [Buffer.from("zoë", "utf8").toString("latin1"), "\xff"]) {
    const { status, body } = await exchange(`GET /api/v1/customers?search=${bytes}`, bearer());
    expect([status, body]).toEqual(malformed);
  }
});

it.each(["GET", "PATCH"])("%s of one customer: any query parameter → 400", async (method) => {
  const { body } = await partner.send("POST", "/customers", { email: `${method}@query.example` });
  const path = `/customers/${body.data.id}`;
  const content = method === "GET" ? undefined : { name: "x" };
  for (const [query, field] of [
    ["limit=5", "limit"],
    ["id=1", "id"],
    ["a=1&a=1", "a"],
  ]) {
    const sent = await partner.send(method, `${path}?${query}`, content);
    expect([sent.status, sent.body]).toEqual([400, { error: "Unknown query parameter.", field }]);
  }
  expect((await partner.send(method, `${path}?`, content)).status).toBe(200);
});

it("createCustomer: query parameter → 400, nothing created", async () => {
  const { status, body } = await partner.send("POST", "/customers?limit=5", { email: "query@x.example" });
  expect([status, body]).toEqual([400, { error: "Unknown query parameter.", field: "limit" }]);
  expect((await partner.send("GET", "/customers?search=query@x")).body.data).toEqual([]);
});

it.each([
  ["/api/v1/customers", "GET, HEAD, POST, OPTIONS", ["PUT", "PATCH", "DELETE", "PROPFIND"]],
  ["/api/v1/customers/x", "GET, HEAD, PATCH, OPTIONS", ["PUT", "POST", "DELETE", "PURGE"]],
  ["/docs", "GET, HEAD, OPTIONS", ["PUT", "POST", "DELETE"]],
])("method: %s not allowed → 405 with Allow, without a key", async (path, allow, methods) => {
  for (const method of methods) {
    const { status, body, headers } = await exchange(`${method} ${path}`);
    expect([status, body, headers.allow]).toEqual([405, { error: "Method not allowed." }, allow]);
  }
  const options = await exchange(`OPTIONS ${path}`);
  expect([options.status, options.body, options.headers.allow]).toEqual([204, null, allow]);
  expect((await exchange("OPTIONS /nowhere")).status).toBe(404);
});

it.each(["/", "/docs", "/openapi.json", "/openapi.yaml", "/healthz", "/readyz"])(
  "%s: HEAD → as GET without a body",
  async (path) => {
    const [head, get] = [await server.fetch(path, { method: "HEAD" }), await server.fetch(path)];
    expect(head.status).toBe(get.status);
    expect(get.status).toBeLessThan(400);
    expect(await head.text()).toBe("");
    for (const name of ["Content-Type", "Content-Length", "Location"])
      expect(head.headers.get(name)).toBe(get.headers.get(name));
  },
);

it("X-HTTP-Method-Override: any method → ignored", async () => {
  const { status } = await partner.send("GET", "/customers", undefined, {
    "X-HTTP-Method-Override": "DELETE",
  });
  expect(status).toBe(200);
});

it.each(["a", "A-z_0.9", "x".repeat(128)].map((id) => [shorten(id), id]))(
  "X-Request-Id: %s → echoed",
  async (_title, id) => {
    for (const target of ["/customers", "/customers/x", "/nowhere", "/customers?page=1"]) {
      const sent = await partner.send("GET", target, undefined, { "X-Request-Id": id });
      expect(sent.headers.get("X-Request-Id")).toBe(id);
    }
  },
);

it.each(["", "x".repeat(129), "a b", "a,b", "ä", "<script>", 'a"b', "a\tb"].map((id) => [shorten(id), id]))(
  "X-Request-Id: '%s' → a new one",
  async (_title, id) => {
    const headers = { ...bearer(), "X-Request-Id": id };
    const ids = [];
    for (let n = 0; n < 2; n++)
      ids.push((await exchange("GET /api/v1/customers", headers)).headers["x-request-id"]);
    expect(new Set([...ids, id]).size).toBe(3);
  },
);

it("every response: X-Request-Id, nosniff and Cache-Control → set, no X-Powered-By", async () => {
  const page = ["/", "/docs", "/openapi.json", "/healthz", "/readyz"].map((path) => server.fetch(path));
  const api = [
    partner.send("GET", "/customers"),
    partner.send("GET", "/customers/x"),
    partner.send("POST", "/customers", "{"),
    partner.send("DELETE", "/customers"),
    partner.send("OPTIONS", "/customers"),
    partner.send("GET", "/nowhere"),
    partner.send("GET", "/customers", undefined, { Authorization: "none" }),
  ];
  for (const { headers } of await Promise.all([...page, ...api])) {
    expect(headers.get("X-Request-Id")).toMatch(/^[A-Za-z0-9._-]{1,128}$/);
    expect(headers.get("X-Content-Type-Options")).toBe("nosniff");
    expect(headers.get("Cache-Control")).toBe("private, no-cache");
    for (const name of ["X-Powered-By", "Server", "Access-Control-Allow-Origin"])
      expect(headers.get(name)).toBeNull();
  }
});

it("path: raw # or backslash, which URL parsers interpret → 404", async () => {
  for (const path of ["/api/v1/customers#x", "/api\\v1\\customers", "/api/v1/customers\\", "/healthz#"]) {
    const [response] = await server.exchange(buildRequestBytes(`GET ${path}`), { target: "/unknown" });
    expect([path, response?.status]).toEqual([path, 404]);
  }
});
