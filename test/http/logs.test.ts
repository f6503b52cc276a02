import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { named } from "../../server/database/statement.ts";
import type { Partner } from "../support/partner.ts";
import { spawnServer } from "../support/processes.ts";
import { buildRequestBytes } from "../support/rawHttp.ts";
import { startServer, type TestServer } from "../support/server.ts";

let server: TestServer;
let partner: Partner;
beforeAll(async () => {
  server = await startServer();
  partner = await server.partner();
});
afterAll(() => server.stop());

/** Waits for log lines of the request with this ID, and returns them. */
async function waitForLines(requestId: string): Promise<Record<string, unknown>[]> {
  const lines = () => server.logLines.filter((line) => line.requestId === requestId);
  // The line is written after the response has been sent, so the client may receive the response first.
  await expect.poll(() => lines().some(({ msg }) => msg === "request")).toBe(true);
  return lines();
}

let requestIds = 0;
/** Sends a request. Returns its response and its log lines. */
async function sendAndReadLog(
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
) {
  const requestId = `log-${++requestIds}`;
  const sent = await partner.send(method, path, body, { "X-Request-Id": requestId, ...headers });
  return { sent, lines: await waitForLines(requestId) };
}

/** Sets an invalid time, so that the customer's row cannot be converted to a response. */
async function breakCustomer(id: string): Promise<void> {
  const { knex, prepare, write } = server.database;
  const statement = prepare(
    knex("customers").update("updated_at", 9_000_000_000_000_000).where("id", named("id")).returning("id"),
  );
  await write([{ statement, values: { id } }]);
}

it("log: each request → one line with ID, method, operation, company, status, time", async () => {
  const created = await sendAndReadLog("POST", "/customers", { email: "log@x.example" });
  const path = `/customers/${created.sent.body.data.id}`;
  const calls = [
    ["createCustomer", 201, created],
    ["listCustomers", 200, await sendAndReadLog("GET", "/customers")],
    ["listCustomers", 200, await sendAndReadLog("HEAD", "/customers")],
    ["listCustomers", 400, await sendAndReadLog("GET", "/customers?page=1")],
    ["getCustomer", 304, await sendAndReadLog("GET", path, undefined, { "If-None-Match": "*" })],
    ["getCustomer", 404, await sendAndReadLog("GET", "/customers/x")],
    ["updateCustomer", 200, await sendAndReadLog("PATCH", path, {})],
    ["updateCustomer", 412, await sendAndReadLog("PATCH", path, {}, { "If-Match": '"x"' })],
    ["createCustomer", 409, await sendAndReadLog("POST", "/customers", { email: "log@x.example" })],
  ] as const;
  const companies = new Set();
  for (const [operationId, status, { sent, lines }] of calls) {
    expect(sent.status).toBe(status);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatchObject({ level: 30, msg: "request", operationId, status });
    expect(lines[0]?.durationInMilliseconds).toBeTypeOf("number");
    expect(lines[0]?.method).toMatch(/^(GET|HEAD|POST|PATCH)$/);
    companies.add(lines[0]?.company);
  }
  expect(companies.size).toBe(1);
  expect([...companies][0]).toBeTypeOf("string");
});

it("log: requests of two companies → two companies", async () => {
  const ours = (await sendAndReadLog("GET", "/customers")).lines[0]?.company;
  const other = await server.partner();
  await other.send("GET", "/customers", undefined, { "X-Request-Id": "other-company" });
  expect((await waitForLines("other-company"))[0]?.company).not.toBe(ours);
});

it("log: no operation or no key → a line without operationId or company", async () => {
  const { lines } = await sendAndReadLog("GET", "/nowhere");
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatchObject({ status: 404, method: "GET", path: "/api/v1/nowhere" });
  expect(lines[0]?.address).toMatch(/127\.0\.0\.1$/);
  expect(lines[0]).not.toHaveProperty("operationId");
  const rejected = await sendAndReadLog("GET", "/customers", undefined, { Authorization: "Bearer wrong" });
  expect(rejected.lines).toHaveLength(1);
  expect(rejected.lines[0]).toMatchObject({ status: 401, operationId: "listCustomers" });
  expect(rejected.lines[0]).not.toHaveProperty("company");
});

it("log: malformed request → a line with the response's X-Request-Id", async () => {
  const [response] = await server.exchange("nonsense\r\n\r\n", { method: "GET", target: "/" });
  const lines = await waitForLines(response?.headers["x-request-id"] ?? "");
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatchObject({ msg: "request", status: 400 });
});

it("log: keys, bodies, queries, headers, IDs of customers → not logged", async () => {
  const secrets = ["secret-email", "secret-name", "secret-notes", "secret-search", "secret-key", "secret-id"];
  const body = { email: "secret-email@x.example", name: "secret-name", notes: "secret-notes" };
  const keys = { "Idempotency-Key": "secret-key", "If-Match": '"secret-key"', Cookie: "secret-key" };
  const created = await sendAndReadLog("POST", "/customers", body, keys);
  await sendAndReadLog("POST", "/customers", body);
  await sendAndReadLog("POST", "/customers", { ...body, creditLimit: "secret-notes" }, keys);
  await sendAndReadLog("POST", "/customers", `{"secret-name`);
  await sendAndReadLog("POST", "/customers?secret-search=1", body);
  await sendAndReadLog("PATCH", `/customers/${created.sent.body.data.id}`, { notes: "secret-notes" }, keys);
  await sendAndReadLog("GET", "/customers?search=secret-search");
  await sendAndReadLog("GET", "/customers?limit=secret-search");
  await sendAndReadLog("GET", "/customers?search=secret-search%FF");
  await sendAndReadLog("GET", "/customers/secret-id");
  await sendAndReadLog("GET", "/customers", undefined, { Authorization: "Bearer secret-key" });
  await server.exchange(
    buildRequestBytes("GET /api/v1/secret-id?secret-search", { "Bad Header": "secret-key" }),
    {
      target: "/api/v1/customers",
    },
  );
  await breakCustomer(created.sent.body.data.id);
  expect((await sendAndReadLog("GET", `/customers/${created.sent.body.data.id}`)).sent.status).toBe(500);
  const log = JSON.stringify(server.logLines);
  expect(log).toContain("unexpected error");
  for (const secret of [...secrets, partner.key, partner.key.slice(3), "Bearer"])
    expect(log).not.toContain(secret);
});

it("log: 500 → cause logged once, repetitions counted, not in the response", async () => {
  const { sent } = await sendAndReadLog("POST", "/customers", { email: "broken@x.example" });
  await breakCustomer(sent.body.data.id);
  // Another test logged the same cause.
  await sleep(1_100);
  for (const method of ["GET", "HEAD"]) {
    const broken = await sendAndReadLog(method, `/customers/${sent.body.data.id}`);
    expect(broken.sent.status).toBe(500);
    expect(broken.sent.body).toEqual(method === "GET" ? { error: "Internal server error." } : undefined);
    const [cause, line] = broken.lines as [{ err?: { stack?: string } }, Record<string, unknown>];
    if (method === "HEAD") {
      expect(broken.lines).toMatchObject([{ status: 500, operationId: "getCustomer" }]);
      continue;
    }
    expect(broken.lines).toHaveLength(2);
    expect(cause).toMatchObject({
      level: 50,
      msg: "unexpected error",
      err: { message: "Invalid time value" },
    });
    expect(cause.err?.stack).toContain("server/");
    expect(line).toMatchObject({ status: 500, operationId: "getCustomer" });
  }
  await expect
    .poll(() => server.logLines.at(-1), { timeout: 2_000 })
    .toMatchObject({ msg: "unexpected error", repeated: 1, err: { message: "Invalid time value" } });
});

it("log: drift check fails → a line with the cause, responses unaffected", async () => {
  const server = await startServer({
    onChecked() {
      throw new Error("check broken");
    },
  });
  const { send } = await server.partner();
  expect((await send("POST", "/customers", { email: "checked@x.example" })).status).toBe(201);
  expect((await send("GET", "/customers")).body.data).toHaveLength(1);
  const lines = () => server.logLines.filter(({ msg }) => msg === "the drift check failed");
  await expect.poll(lines).toHaveLength(2);
  expect(lines()[0]).toMatchObject({ level: 50, err: { message: "check broken" } });
  // In any other test, this log line would be a failure.
  await expect(server.stop()).rejects.toThrow("the drift check failed");
});

it("log: client disconnects before the response → aborted", async () => {
  const requestId = "gone-before-the-end";
  const head = buildRequestBytes("POST /api/v1/customers", {
    "X-Request-Id": requestId,
    Authorization: `Bearer ${partner.key}`,
    "Content-Type": "application/json",
    "Content-Length": "100",
  });
  const socket = connect(server.port, "127.0.0.1", () => socket.write(head, () => socket.destroy()));
  expect((await waitForLines(requestId))[0]).toMatchObject({ aborted: true, operationId: "createCustomer" });
});

it("log: a server's process → only lines of JSON", async () => {
  const { url, output } = await spawnServer({ DATABASE_URL: server.databaseUrl });
  const headers = { Authorization: `Bearer ${partner.key}` };
  for (const path of ["/api/v1/customers", "/api/v1/customers?limit=1&status=ACTIVE&search=x", "/nowhere"])
    await fetch(url + path, { headers });
  await expect.poll(() => output().match(/"msg":"request"/g)?.length).toBe(3);
  for (const line of output().trimEnd().split("\n")) expect(() => JSON.parse(line)).not.toThrow();
});
