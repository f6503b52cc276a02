import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { newCustomer } from "../../server/customers.ts";
import { createCustomerTable } from "../../server/database/customers.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { shorten } from "../support/shorten.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());

const create = async (body: unknown) => (await server.partner()).send("POST", "/customers", body);
const required = [400, { error: "Email is required.", field: "email" }];
const invalid = [400, { error: "Invalid email address.", field: "email" }];
const exists = [409, { error: "A customer with this email already exists." }];

it("createCustomer: only an email → 201 with the defaults", async () => {
  const client = await server.client((await server.partner()).key);
  const { data, response } = await client.POST("/customers", { body: { email: "buyer@acme.example" } });
  expect(response.status).toBe(201);
  const { id, createdAt, updatedAt, ...rest } = data?.data ?? {};
  expect(rest).toEqual({
    email: "buyer@acme.example",
    name: null,
    status: "ACTIVE",
    notes: null,
    creditLimit: null,
    taxRateOverride: null,
    emailVerified: false,
  });
  expect(updatedAt).toBe(createdAt);
  expect(Number.parseInt(id?.replace("-", "").slice(0, 12) ?? "", 16)).toBe(Date.parse(createdAt ?? ""));
});

it("createCustomer: every field → 201, all of them stored", async () => {
  const fields = {
    name: "Corner Bakery",
    status: "BLOCKED" as const,
    notes: "Delivers on Tuesdays.",
    creditLimit: 5000.5,
    taxRateOverride: 0.07,
  };
  const client = await server.client();
  const { data } = await client.POST("/customers", { body: { email: "full@x.example", ...fields } });
  expect(data?.data).toMatchObject({ email: "full@x.example", emailVerified: false, ...fields });
  const got = await client.GET("/customers/{id}", { params: { path: { id: data?.data.id ?? "" } } });
  expect(got.data).toEqual(data);
});

it("createCustomer: Location → the path of the new customer", async () => {
  const { send } = await server.partner();
  const { body, headers } = await send("POST", "/customers", { email: "where@x.example" });
  expect(headers.get("Location")).toBe(`/api/v1/customers/${body.data.id}`);
  expect((await send("GET", `/customers/${body.data.id}`)).body).toEqual(body);
});

describe("createCustomer: email", () => {
  it.each([
    "{}",
    '{"email":null}',
    '{"email":""}',
    '{"__proto__":{"email":"a@b.example"}}',
    '{"Email":"a@b.example"}',
  ])("createCustomer: %s → 400 Email is required.", async (text) => {
    const { status, body } = await create(text);
    expect([status, body]).toEqual(required);
  });

  const titled = (email: unknown) => [shorten(JSON.stringify(email)), email] as const;
  const localPart = (length: number) => `${"x".repeat(length - "@x.example".length)}@x.example`;

  it.each(
    [
      5,
      0,
      true,
      false,
      ["a@b.example"],
      { a: 1 },
      "plain",
      "a@localhost",
      "a@b.",
      "a@.example",
      "@b.example",
      "a@",
      "a@@b.example",
      "a@b@c.example",
      "a b@c.example",
      "a@b c.example",
      " a@b.example",
      "a@b.example ",
      "a@b.example\n",
      "\ta@b.example",
      "a@b..example",
      "a@-b.example",
      "a@b-.example",
      "a@b_c.example",
      ".a@b.example",
      "a.@b.example",
      "a..b@c.example",
      '"quoted"@b.example',
      "a@[127.0.0.1]",
      "Name <a@b.example>",
      "a,b@c.example",
      "a@b.example,c@d.example",
      "a\u0000@b.example",
      "ü@b.example",
      "a@ü.example",
      "\u212aelvin@b.example",
      "\u017fs@b.example",
      "a@b.\uff45xample",
      "\ud800@b.example",
      localPart(255),
      `a@${"b.".repeat(130)}example`,
    ].map(titled),
  )("createCustomer: email %s → 400 Invalid email", async (_title, email) => {
    const { send } = await server.partner();
    const { status, body } = await send("POST", "/customers", JSON.stringify({ email }));
    expect([status, body]).toEqual(invalid);
    expect((await send("GET", "/customers")).body.data).toEqual([]);
  });

  it.each(
    [
      "a@b.cd",
      "A.B+Tag@Sub.Domain.Example",
      "!#$%&'*+/=?^_`{|}~-@x.example",
      "1@2.3",
      "x@a-b--c.example",
      localPart(254),
    ].map((email) => [shorten(email), email]),
  )("createCustomer: email %s → 201 in lower case", async (_title, email) => {
    const { send } = await server.partner();
    const { status, body } = await send("POST", "/customers", { email });
    expect([status, body.data.email]).toEqual([201, email.toLowerCase()]);
    expect((await send("GET", `/customers/${body.data.id}`)).body.data.email).toBe(email.toLowerCase());
  });

  it("createCustomer: invalid email and other fields → 400 for the email", async () => {
    expect((await create({ other: 1, status: 1, name: 1, email: 1 })).body.field).toBe("email");
    expect((await create({ other: 1, status: 1, name: 1 })).body.field).toBe("email");
  });

  it("createCustomer: email taken, in any case → 409, the first customer is unchanged", async () => {
    const { send } = await server.partner();
    const first = await send("POST", "/customers", { email: "Only@One.example", name: "First" });
    for (const email of ["only@one.example", "ONLY@ONE.EXAMPLE", "Only@One.example"]) {
      const { status, body, headers } = await send("POST", "/customers", { email, name: "Second" });
      expect([status, body]).toEqual(exists);
      expect(headers.get("Location")).toBeNull();
    }
    expect((await send("GET", "/customers")).body.data).toEqual([first.body.data]);
  });

  it("createCustomer: email of a blocked customer → 409", async () => {
    const { send } = await server.partner();
    await send("POST", "/customers", { email: "blocked@x.example", status: "BLOCKED" });
    expect((await send("POST", "/customers", { email: "blocked@x.example" })).status).toBe(409);
  });

  it("createCustomer: email taken in another company → 201", async () => {
    const [ours, theirs] = [await server.partner(), await server.partner()];
    const email = "shared@x.example";
    const sent = [
      await ours.send("POST", "/customers", { email }),
      await theirs.send("POST", "/customers", { email }),
    ];
    expect(sent.map(({ status }) => status)).toEqual([201, 201]);
    expect(sent[0]?.body.data.id).not.toBe(sent[1]?.body.data.id);
  });

  it("createCustomer: 50 concurrent requests with one email → one 201, 49 times 409", async () => {
    const { send } = await server.partner();
    const email = "race@winner.example";
    const sent = await Promise.all(
      Array.from({ length: 50 }, (_, n) =>
        send("POST", "/customers", {
          email: email.replace(/[a-z]/g, (letter, at) =>
            (n >> (at % 6)) & 1 ? letter.toUpperCase() : letter,
          ),
        }),
      ),
    );
    const statuses = sent.map(({ status }) => status).sort();
    expect(statuses).toEqual([201, ...Array(49).fill(409)]);
    const { data } = (await send("GET", "/customers")).body;
    expect(data).toEqual([sent.find(({ status }) => status === 201)?.body.data]);
  });
});

it("createCustomer: ID just used by another process → 201 with another ID", async () => {
  let insertions = 0;
  const colliding = await startServer({
    onStatement: async ({ sql }, { company_id, id }) => {
      if (!/^insert into .customers./.test(sql) || ![1, 3].includes(++insertions)) return;
      const row = newCustomer({ email: `other${insertions}@x.example`, status: "ACTIVE" });
      const { buildInsert } = createCustomerTable(colliding.database);
      await colliding.database.write([buildInsert(String(company_id), { ...row, id: String(id) }, null)]);
    },
  });
  onTestFinished(() => colliding.stop());
  const { send } = await colliding.partner();
  const key = { "Idempotency-Key": "k" };
  const created = [
    await send("POST", "/customers", { email: "one@x.example" }),
    await send("POST", "/customers", { email: "two@x.example" }, key),
    await send("POST", "/customers", { email: "two@x.example" }, key),
  ];
  expect(created.map(({ status }) => status)).toEqual([201, 201, 201]);
  expect(created[2]?.text).toBe(created[1]?.text);
  const { data } = (await send("GET", "/customers")).body;
  expect(new Set(data.map(({ id }: { id: string }) => id)).size).toBe(4);
});
