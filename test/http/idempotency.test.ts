import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import { deleteExpiredKeys } from "../../server/idempotencyKeys.ts";
import type { ParsedResponse, Partner } from "../support/partner.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { shorten } from "../support/shorten.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());

const create = (partner: Partner, key: string, body: unknown) =>
  partner.send("POST", "/customers", body, { "Idempotency-Key": key });

/** The parts of a response that a replay repeats. */
const replayedParts = ({ status, text, headers }: ParsedResponse) => ({
  status,
  text,
  location: headers.get("Location"),
  tag: headers.get("ETag"),
});
const isReplay = ({ headers }: ParsedResponse) => headers.get("Idempotent-Replayed") === "true";
const listEmails = async ({ send }: Partner) =>
  (await send("GET", "/customers")).body.data.map(({ email }: { email: string }) => email);

const reused = [422, { error: "This Idempotency-Key was used with a different request." }];
const badKey = [400, { error: "Invalid Idempotency-Key.", field: "Idempotency-Key" }];

/** Moves the times at which all keys were used into the past, as if that time had passed. */
async function passTime(milliseconds: number): Promise<void> {
  const { knex, prepare, write } = server.database;
  const statement = prepare(
    knex("idempotency_keys")
      .update("created_at", knex.raw("created_at - ?", [milliseconds]))
      .returning("key"),
  );
  await write([{ statement, values: {} }]);
}
const dayInMilliseconds = 24 * 60 * 60 * 1000;

it("Idempotency-Key: same body → the first response, nothing created", async () => {
  const partner = await server.partner();
  const body = { email: "Replay@x.example", name: "Ünïcode 😀", creditLimit: 0.1 };
  const first = await create(partner, "key-1", body);
  expect([first.status, isReplay(first)]).toEqual([201, false]);
  for (let n = 0; n < 3; n++) {
    const replay = await create(partner, "key-1", body);
    expect(isReplay(replay)).toBe(true);
    expect(replayedParts(replay)).toEqual(replayedParts(first));
  }
  expect(await listEmails(partner)).toEqual(["replay@x.example"]);
});

it("Idempotency-Key: replay after an update of the customer → the first response", async () => {
  const partner = await server.partner();
  // Numbers that are returned in another form, reordered fields, a repeated one, and escapes.
  const body =
    '{"notes":"\\u00fc","creditLimit":1.50e3,"name":"First","taxRateOverride":0.30,"email":"Later@x.example","name":"\\ud83d\\ude00"}';
  const first = await create(partner, "k", body);
  expect(first.status).toBe(201);
  const { id } = first.body.data;
  await partner.send("PATCH", `/customers/${id}`, {
    name: "Second",
    status: "BLOCKED",
    notes: null,
    creditLimit: null,
    taxRateOverride: 0.1,
  });
  // As another program would.
  const { knex, prepare, write } = server.database;
  const verify = prepare(knex("customers").update("email_verified", 1).where("id", id).returning("id"));
  await write([{ statement: verify, values: {} }]);
  expect(replayedParts(await create(partner, "k", body))).toEqual(replayedParts(first));
  expect((await partner.send("GET", `/customers/${id}`)).body.data).toMatchObject({
    name: "Second",
    emailVerified: true,
  });
});

it.each([
  ["another body", '{"email":"other@x.example"}'],
  ["the same JSON in other bytes", '{"email": "bytes@x.example"}'],
  ["the same email in another case", '{"email":"Bytes@x.example"}'],
  ["a byte order mark before the same JSON", '\ufeff{"email":"bytes@x.example"}'],
  ["one field more", '{"email":"bytes@x.example","name":null}'],
])("Idempotency-Key: reused with %s → 422", async (_difference, text) => {
  const partner = await server.partner();
  const body = '{"email":"bytes@x.example"}';
  const first = await create(partner, "k", body);
  const sent = await create(partner, "k", text);
  expect([sent.status, sent.body]).toEqual(reused);
  expect(isReplay(sent)).toBe(false);
  expect(await listEmails(partner)).toEqual(["bytes@x.example"]);
  expect(replayedParts(await create(partner, "k", body))).toEqual(replayedParts(first));
});

it("Idempotency-Key: reused with another body whose email is taken → 422", async () => {
  const partner = await server.partner();
  await partner.send("POST", "/customers", { email: "taken@x.example" });
  await create(partner, "k", { email: "free@x.example" });
  expect((await create(partner, "k", { email: "taken@x.example" })).status).toBe(422);
});

it.each(["{", "[]", "{}", '{"email":"no"}', '{"email":"a@b.example","name":""}'])(
  "Idempotency-Key: reused with %s → 400",
  async (text) => {
    const partner = await server.partner();
    const body = { email: "kept@x.example" };
    const first = await create(partner, "k", body);
    expect((await create(partner, "k", text)).status).toBe(400);
    expect(replayedParts(await create(partner, "k", body))).toEqual(replayedParts(first));
  },
);

it("Idempotency-Key: another key or none, same email → 409", async () => {
  const partner = await server.partner();
  const body = { email: "case@x.example" };
  expect((await create(partner, "key", body)).status).toBe(201);
  expect((await create(partner, "KEY", body)).status).toBe(409);
  expect((await partner.send("POST", "/customers", body)).status).toBe(409);
});

it("Idempotency-Key: used by another API key of the company → replay", async () => {
  const partner = await server.partner();
  const colleague = await server.partner({ company: partner.company });
  const body = { email: "company@x.example" };
  const first = await create(partner, "k", body);
  const replay = await create(colleague, "k", body);
  expect([isReplay(replay), replayedParts(replay)]).toEqual([true, replayedParts(first)]);
  expect((await create(colleague, "k", { email: "other@x.example" })).status).toBe(422);
});

it("Idempotency-Key: used by another company → 201, its own request", async () => {
  const [ours, theirs] = [await server.partner(), await server.partner()];
  const body = { email: "both@x.example" };
  const [first, second] = [await create(ours, "k", body), await create(theirs, "k", body)];
  expect([second.status, isReplay(second)]).toEqual([201, false]);
  expect(second.body.data.id).not.toBe(first.body.data.id);
});

it("Idempotency-Key: first request got 409 → the key can be used again", async () => {
  const partner = await server.partner();
  await partner.send("POST", "/customers", { email: "taken@x.example" });
  for (let n = 0; n < 2; n++)
    expect((await create(partner, "k", { email: "taken@x.example" })).status).toBe(409);
  const sent = await create(partner, "k", { email: "free@x.example" });
  expect([sent.status, isReplay(sent)]).toEqual([201, false]);
});

it.each(['{"email":"no"}', "{", '{"email":"a@b.example","other":1}'])(
  "Idempotency-Key: 400 of %s → can be used again",
  async (bad) => {
    const partner = await server.partner();
    expect((await create(partner, "k", bad)).status).toBe(400);
    const sent = await create(partner, "k", { email: "free@x.example" });
    expect([sent.status, isReplay(sent)]).toEqual([201, false]);
  },
);

it("Idempotency-Key: within 24 hours → replay, after → a new request", async () => {
  const partner = await server.partner();
  const body = { email: "expire@x.example" };
  const first = await create(partner, "k", body);
  await passTime(dayInMilliseconds - 60_000);
  expect(replayedParts(await create(partner, "k", body))).toEqual(replayedParts(first));
  await passTime(60_000);
  expect((await create(partner, "k", body)).status).toBe(409);
  const second = await create(partner, "k", { email: "second@x.example" });
  expect([second.status, isReplay(second)]).toEqual([201, false]);
  expect(replayedParts(await create(partner, "k", { email: "second@x.example" }))).toEqual(
    replayedParts(second),
  );
  expect((await create(partner, "k", body)).status).toBe(422);
});

/** Adds expired keys to the one that a partner has used. */
async function addExpiredKeys(count: number): Promise<void> {
  const { knex, prepare, write } = server.database;
  const statement = prepare(
    knex.raw(
      `with recursive numbers (number) as (select 1 union all select number + 1 from numbers where number < ${count})
       insert into idempotency_keys (company_id, key, body_sha256, customer_id, created_at)
       select company_id, key || '-' || number, body_sha256, customer_id, created_at - ${dayInMilliseconds}
       from idempotency_keys cross join numbers
       returning key`,
    ),
  );
  await write([{ statement, values: {} }]);
}

it("Idempotency-Key: after 24 hours → all such keys are deleted, however many", async () => {
  const { database } = server;
  const { prepare, knex } = database;
  const kept = prepare<{ key: string }>(knex("idempotency_keys").select("key").orderBy("key"));
  await passTime(dayInMilliseconds);
  await deleteExpiredKeys(database);
  expect(await database.read(kept, {})).toEqual([]);

  const partner = await server.partner();
  const body = { email: "young@x.example" };
  const young = await create(partner, "young", body);
  // More than two processes could delete with one batch each.
  await addExpiredKeys(1_001);
  await deleteExpiredKeys(database);
  expect(await database.read(kept, {})).toEqual([{ key: "young" }]);
  await addExpiredKeys(1_001);
  await Promise.all([deleteExpiredKeys(database), deleteExpiredKeys(database)]);
  expect(await database.read(kept, {})).toEqual([{ key: "young" }]);
  expect(replayedParts(await create(partner, "young", body))).toEqual(replayedParts(young));
  expect(isReplay(await create(partner, "young-1", { email: "new@x.example" }))).toBe(false);
});

it("Idempotency-Key: on updateCustomer, in any form → ignored", async () => {
  const partner = await server.partner();
  const { body } = await create(partner, "k", { email: "update@x.example" });
  for (const [key, name] of [
    ["k", "One"],
    ["k", "Two"],
    ["x".repeat(256), "Three"],
    ["", "Four"],
  ]) {
    const sent = await partner.send(
      "PATCH",
      `/customers/${body.data.id}`,
      { name },
      { "Idempotency-Key": `${key}` },
    );
    expect([sent.status, sent.body.data.name, isReplay(sent)]).toEqual([200, name, false]);
  }
});

it.each(
  ["!", "~", "a key, with spaces", "x".repeat(255), "0", "null", "*", '"quoted"', "%00"].map((key) => [
    shorten(key),
    key,
  ]),
)("Idempotency-Key: %s → 201, then replay", async (_title, key) => {
  const partner = await server.partner();
  const body = { email: "form@x.example" };
  const first = await create(partner, key, body);
  const replay = await create(partner, key, body);
  expect([first.status, isReplay(replay)]).toEqual([201, true]);
});

it.each([
  ["empty", ""],
  ["256 characters long", "x".repeat(256)],
  ["not ASCII", "k\u00e9y"],
  ["a tab", "a\tb"],
])("Idempotency-Key: %s → 400 before the body is read", async (_form, key) => {
  const partner = await server.partner();
  // No byte of the body is ever sent.
  const [response] = await server.exchange(
    Buffer.from(
      [
        "POST /api/v1/customers HTTP/1.1",
        "Host: x",
        "Connection: close",
        `Authorization: Bearer ${partner.key}`,
        "Content-Type: application/json",
        "Content-Length: 30",
        `Idempotency-Key: ${key}`,
        "\r\n",
      ].join("\r\n"),
      "latin1",
    ),
  );
  expect([response?.status, JSON.parse(response?.body ?? "")]).toEqual(badKey);
});

it("Idempotency-Key: invalid → 400 before body errors, after 415 and 413", async () => {
  const partner = await server.partner();
  const bad = { "Idempotency-Key": "" };
  expect((await partner.send("POST", "/customers", "{", bad)).body.field).toBe("Idempotency-Key");
  const type = { ...bad, "Content-Type": "text/plain" };
  expect((await partner.send("POST", "/customers", "{}", type)).status).toBe(415);
  expect((await partner.send("POST", "/customers", " ".repeat(65_537), bad)).status).toBe(413);
});

it("Idempotency-Key: 30 concurrent requests, one body → one customer, one response", async () => {
  const partner = await server.partner();
  const colleague = await server.partner({ company: partner.company });
  const body = { email: "race@x.example" };
  const sent = await Promise.all(
    Array.from({ length: 30 }, (_, n) => create(n % 2 ? partner : colleague, "k", body)),
  );
  expect(new Set(sent.map((one) => JSON.stringify(replayedParts(one)))).size).toBe(1);
  expect(sent.map(({ status }) => status)).toEqual(Array(30).fill(201));
  expect(sent.filter((one) => !isReplay(one))).toHaveLength(1);
  expect(await listEmails(partner)).toEqual(["race@x.example"]);
});

it("Idempotency-Key: 20 concurrent requests, 20 bodies → one 201, 19 times 422", async () => {
  const partner = await server.partner();
  const sent = await Promise.all(
    Array.from({ length: 20 }, (_, n) => create(partner, "k", { email: `n${n}@x.example` })),
  );
  expect(sent.map(({ status }) => status).sort()).toEqual([201, ...Array(19).fill(422)]);
  expect(await listEmails(partner)).toHaveLength(1);
});

it("Idempotency-Key: 20 concurrent keys, one email → one 201, 409s not remembered", async () => {
  const partner = await server.partner();
  const body = { email: "one@x.example" };
  const sent = await Promise.all(Array.from({ length: 20 }, (_, n) => create(partner, `k${n}`, body)));
  expect(sent.map(({ status }) => status).sort()).toEqual([201, ...Array(19).fill(409)]);
  const winner = sent.findIndex(({ status }) => status === 201);
  const again = await Promise.all(sent.map((_, n) => create(partner, `k${n}`, body)));
  expect(again.map(({ status }) => status)).toEqual(sent.map((_, n) => (n === winner ? 201 : 409)));
});

it("Idempotency-Key: deleted while a request with it runs → a new request", async () => {
  let isDeleting = false;
  const observed = await startServer({
    onStatement: async ({ sql }) => {
      if (!isDeleting || !/^select .*idempotency_keys/.test(sql)) return;
      const { knex, prepare, write } = observed.database;
      await write([{ statement: prepare(knex("idempotency_keys").delete().returning("key")), values: {} }]);
    },
  });
  onTestFinished(() => observed.stop());
  const partner = await observed.partner();
  const first = await create(partner, "k", { email: "first@x.example" });
  isDeleting = true;
  const second = await create(partner, "k", { email: "second@x.example" });
  expect([first.status, second.status, isReplay(second)]).toEqual([201, 201, false]);
  isDeleting = false;
  const replay = await create(partner, "k", { email: "second@x.example" });
  expect(replayedParts(replay)).toEqual(replayedParts(second));
});
