import { afterAll, beforeAll, expect, it } from "vitest";
import type { Partner } from "../support/partner.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { shorten } from "../support/shorten.ts";
import { createCustomers, listIds } from "./createCustomers.ts";

let server: TestServer;
/** A partner with 3 customers. */
let many: Partner;
beforeAll(async () => {
  server = await startServer();
  many = await server.partner();
  await createCustomers(many, 3);
});
afterAll(() => server.stop());

it("listCustomers: status → only customers with that status", async () => {
  const partner = await server.partner();
  const ids = await createCustomers(partner, 3);
  await partner.send("PATCH", `/customers/${ids[1]}`, { status: "BLOCKED" });
  const listed = async (status: string) =>
    listIds((await partner.send("GET", `/customers?status=${status}`)).body);
  expect(await listed("BLOCKED")).toEqual([ids[1]]);
  expect(await listed("ACTIVE")).toEqual([ids[0], ids[2]]);
});

it.each(["active", "", "DELETED", "ACTIVE,BLOCKED", "ACTIVE%20", "ACTIVE%00", "null"])(
  "listCustomers: status '%s' → 400",
  async (status) => {
    const sent = await many.send("GET", `/customers?status=${status}`);
    expect([sent.status, sent.body]).toEqual([400, { error: "Invalid status.", field: "status" }]);
  },
);

it("listCustomers: email → that customer alone, in any ASCII case", async () => {
  const partner = await server.partner();
  const emails = ["ann@acme.example", "joann@acme.example", "a+b@acme.example", "'%_@acme.example"];
  for (const email of emails) await partner.send("POST", "/customers", { email });
  for (const email of emails) {
    const { body } = await partner.send("GET", `/customers?email=${encodeURIComponent(email.toUpperCase())}`);
    expect(body.data.map((customer: { email: string }) => customer.email)).toEqual([email]);
    expect(body.pagination).toEqual({ hasMore: false, nextCursor: null });
  }
});

it.each(
  [
    ["email=nobody@x.example", 0],
    ["email=%00", 0],
    ["email=a%00", 0],
    ["email=%E2%84%AAelvin@x.example", 0],
    ["email=elvin@x.example", 0],
    [`email=${"x".repeat(254)}`, 0],
    ["email=a%2Bb@x.example", 1],
    ["email=a+b@x.example", 0],
    ["email=kelvin@x.example", 1],
    ["email=kelvin@x.example&status=BLOCKED", 0],
    ["email=kelvin@x.example&status=ACTIVE&search=KELV&limit=1", 1],
    ["email=kelvin@x.example&search=other", 0],
    ["email=kelvin@x.example&cursor=ffffffff-ffff-7fff-bfff-ffffffffffff", 1],
    ["email=kelvin@x.example&cursor=00000000-0000-7000-8000-000000000000", 0],
    ["email=", 2],
    ["email", 2],
  ].map(([query, count]) => [shorten(String(query), 50), query, count] as const),
)("listCustomers: %s → the matches", async (_title, query, count) => {
  const partner = await server.partner();
  for (const email of ["a+b@x.example", "kelvin@x.example"])
    await partner.send("POST", "/customers", { email });
  const { status, body } = await partner.send("GET", `/customers?${query}`);
  expect([status, body.data.length]).toEqual([200, count]);
});

it("listCustomers: email over 254 characters → 400", async () => {
  const sent = await many.send("GET", `/customers?email=${"x".repeat(255)}`);
  expect([sent.status, sent.body]).toEqual([400, { error: "Invalid email address.", field: "email" }]);
});

it.each([
  ["page=2", "page"],
  ["Limit=5", "Limit"],
  ["limit[]=5", "limit[]"],
  ["search[a]=5", "search[a]"],
  ["offset", "offset"],
  ["=5", ""],
  ["__proto__=1", "__proto__"],
  ["constructor=1", "constructor"],
  ["toString=1", "toString"],
  ["Idempotency-Key=1", "Idempotency-Key"],
  ["limit=x&page=2", "page"],
])("listCustomers: %s → 400 Unknown query parameter.", async (query, field) => {
  const { status, body } = await many.send("GET", `/customers?${query}`);
  expect([status, body]).toEqual([400, { error: "Unknown query parameter.", field }]);
});

it.each([
  ["limit=5&limit=5", "limit"],
  ["limit=x&limit=5", "limit"],
  ["cursor=&cursor=", "cursor"],
  ["status=ACTIVE&status=BLOCKED", "status"],
  ["email=a@x.example&email=a@x.example", "email"],
  ["search=a&search=b", "search"],
  ["search=a&%73earch=b", "search"],
  ["limit=x&status=ACTIVE&status=ACTIVE", "status"],
])("listCustomers: %s → 400 repeated parameter", async (query, field) => {
  const { status, body } = await many.send("GET", `/customers?${query}`);
  expect([status, body]).toEqual([400, { error: "Query parameter was given more than once.", field }]);
});

it("listCustomers: several invalid → first of limit, cursor, status, email, search", async () => {
  const wrong = [
    ["limit", "x"],
    ["cursor", "x"],
    ["status", "x"],
    ["email", "x".repeat(255)],
    ["search", "x".repeat(201)],
  ];
  for (const [first, [field]] of wrong.entries()) {
    const query = wrong
      .slice(first)
      .reverse()
      .map(([name, value]) => `${name}=${value}`);
    expect((await many.send("GET", `/customers?${query.join("&")}`)).body.field).toBe(field);
  }
});

it("listCustomers: only ? and & → same as no query", async () => {
  const [marks, without] = [await many.send("GET", "/customers?&&"), await many.send("GET", "/customers")];
  expect(marks.text).toBe(without.text);
});
