import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { forgetLapsedKeys } from "../../server/idempotencyKeys.ts";
import type { ParsedResponse, Partner } from "../support/partner.ts";
import { startServer, type TestServer } from "../support/server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());

const create = (partner: Partner, key: string, body: unknown) =>
  partner.send("POST", "/customers", body, { "Idempotency-Key": key });

/** What a replay repeats. */
const answerOf = ({ status, text, headers }: ParsedResponse) => ({
  status,
  text,
  location: headers.get("Location"),
  tag: headers.get("ETag"),
});
const isReplay = ({ headers }: ParsedResponse) => headers.get("Idempotent-Replayed") === "true";
const emailsOf = async ({ send }: Partner) =>
  (await send("GET", "/customers")).body.data.map(({ email }: { email: string }) => email);

const reused = [422, { error: "This Idempotency-Key was used with a different request." }];
const badKey = [400, { error: "Invalid Idempotency-Key.", field: "Idempotency-Key" }];

/** Moves the time at which all keys were used back, as if it had passed. */
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

describe("a create under a used Idempotency-Key", () => {
  it("gets the first answer again, and creates nothing", async () => {
    const partner = await server.partner();
    const body = { email: "Replay@x.example", name: "Ünïcode 😀", creditLimit: 0.1 };
    const first = await create(partner, "key-1", body);
    expect([first.status, isReplay(first)]).toEqual([201, false]);
    for (let n = 0; n < 3; n++) {
      const replay = await create(partner, "key-1", body);
      expect(isReplay(replay)).toBe(true);
      expect(answerOf(replay)).toEqual(answerOf(first));
    }
    expect(await emailsOf(partner)).toEqual(["replay@x.example"]);
  });

  it("gets the first answer also after the customer was updated", async () => {
    const partner = await server.partner();
    const body = { email: "later@x.example", name: "First" };
    const first = await create(partner, "k", body);
    await partner.send("PATCH", `/customers/${first.body.data.id}`, { name: "Second" });
    expect(answerOf(await create(partner, "k", body))).toEqual(answerOf(first));
    expect((await partner.send("GET", `/customers/${first.body.data.id}`)).body.data.name).toBe("Second");
  });

  it.each([
    ["another body", '{"email":"other@x.example"}'],
    ["the same JSON in other bytes", '{"email": "bytes@x.example"}'],
    ["the same email in another case", '{"email":"Bytes@x.example"}'],
    ["a byte order mark before the same JSON", '\ufeff{"email":"bytes@x.example"}'],
    ["one field more", '{"email":"bytes@x.example","name":null}'],
  ])("and %s is 422, and creates nothing", async (_difference, text) => {
    const partner = await server.partner();
    const body = '{"email":"bytes@x.example"}';
    const first = await create(partner, "k", body);
    const sent = await create(partner, "k", text);
    expect([sent.status, sent.body]).toEqual(reused);
    expect(isReplay(sent)).toBe(false);
    expect(await emailsOf(partner)).toEqual(["bytes@x.example"]);
    expect(answerOf(await create(partner, "k", body))).toEqual(answerOf(first));
  });

  it("and another body is 422 also where the email is taken", async () => {
    const partner = await server.partner();
    await partner.send("POST", "/customers", { email: "taken@x.example" });
    await create(partner, "k", { email: "free@x.example" });
    expect((await create(partner, "k", { email: "taken@x.example" })).status).toBe(422);
  });

  it.each(["{", "[]", "{}", '{"email":"no"}', '{"email":"a@b.example","name":""}'])(
    "and the bad body %s is 400, and the key keeps its answer",
    async (text) => {
      const partner = await server.partner();
      const body = { email: "kept@x.example" };
      const first = await create(partner, "k", body);
      expect((await create(partner, "k", text)).status).toBe(400);
      expect(answerOf(await create(partner, "k", body))).toEqual(answerOf(first));
    },
  );

  it("of another case, or another key of the same body, is a request of its own", async () => {
    const partner = await server.partner();
    const body = { email: "case@x.example" };
    expect((await create(partner, "key", body)).status).toBe(201);
    expect((await create(partner, "KEY", body)).status).toBe(409);
    expect((await partner.send("POST", "/customers", body)).status).toBe(409);
  });
});

describe("an Idempotency-Key", () => {
  it("belongs to the company: its other API keys get the replay", async () => {
    const partner = await server.partner();
    const colleague = await server.partner({ company: partner.company });
    const body = { email: "company@x.example" };
    const first = await create(partner, "k", body);
    const replay = await create(colleague, "k", body);
    expect([isReplay(replay), answerOf(replay)]).toEqual([true, answerOf(first)]);
    expect((await create(colleague, "k", { email: "other@x.example" })).status).toBe(422);
  });

  it("of another company is another key", async () => {
    const [ours, theirs] = [await server.partner(), await server.partner()];
    const body = { email: "both@x.example" };
    const [first, second] = [await create(ours, "k", body), await create(theirs, "k", body)];
    expect([second.status, isReplay(second)]).toEqual([201, false]);
    expect(second.body.data.id).not.toBe(first.body.data.id);
  });

  it("is free again after a 409", async () => {
    const partner = await server.partner();
    await partner.send("POST", "/customers", { email: "taken@x.example" });
    for (let n = 0; n < 2; n++)
      expect((await create(partner, "k", { email: "taken@x.example" })).status).toBe(409);
    const sent = await create(partner, "k", { email: "free@x.example" });
    expect([sent.status, isReplay(sent)]).toEqual([201, false]);
  });

  it.each(['{"email":"no"}', "{", '{"email":"a@b.example","other":1}'])(
    "is free again after the 400 of %s",
    async (bad) => {
      const partner = await server.partner();
      expect((await create(partner, "k", bad)).status).toBe(400);
      const sent = await create(partner, "k", { email: "free@x.example" });
      expect([sent.status, isReplay(sent)]).toEqual([201, false]);
    },
  );

  it("lapses after 24 hours, and not before", async () => {
    const partner = await server.partner();
    const body = { email: "lapse@x.example" };
    const first = await create(partner, "k", body);
    await passTime(dayInMilliseconds - 60_000);
    expect(answerOf(await create(partner, "k", body))).toEqual(answerOf(first));
    await passTime(60_000);
    expect((await create(partner, "k", body)).status).toBe(409);
    const second = await create(partner, "k", { email: "second@x.example" });
    expect([second.status, isReplay(second)]).toEqual([201, false]);
    expect(answerOf(await create(partner, "k", { email: "second@x.example" }))).toEqual(answerOf(second));
    expect((await create(partner, "k", body)).status).toBe(422);
  });

  it("is forgotten after 24 hours, with its answer, which is data of a customer", async () => {
    const { database } = server;
    const { prepare, knex } = database;
    const kept = prepare<{ key: string }>(knex("idempotency_keys").select("key").orderBy("key"));
    const partner = await server.partner();
    for (let n = 0; n < 250; n++) await create(partner, `old-${n}`, { email: `old-${n}@x.example` });
    await passTime(dayInMilliseconds);
    const body = { email: "young@x.example" };
    const young = await create(partner, "young", body);
    await Promise.all([forgetLapsedKeys(database), forgetLapsedKeys(database)]);
    expect(await database.read(kept, {})).toEqual([{ key: "young" }]);
    expect(answerOf(await create(partner, "young", body))).toEqual(answerOf(young));
    expect(isReplay(await create(partner, "old-0", { email: "new@x.example" }))).toBe(false);
  });

  it("means nothing on an update, however it is formed", async () => {
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

  it.each(["!", "~", "a key, with spaces", "x".repeat(255), "0", "null", "*", '"quoted"', "%00"])(
    "may be %s",
    async (key) => {
      const partner = await server.partner();
      const body = { email: "form@x.example" };
      const first = await create(partner, key, body);
      const replay = await create(partner, key, body);
      expect([first.status, isReplay(replay)]).toEqual([201, true]);
    },
  );
});

describe("a bad Idempotency-Key", () => {
  it.each([
    ["empty", ""],
    ["256 characters long", "x".repeat(256)],
    ["not ASCII", "k\u00e9y"],
    ["a tab", "a\tb"],
  ])("is refused before the body is read, where it is %s", async (_form, key) => {
    const partner = await server.partner();
    // No byte of the body is ever sent.
    const [answer] = await server.exchange(
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
    expect([answer?.status, JSON.parse(answer?.body ?? "")]).toEqual(badKey);
  });

  it("comes before what is wrong with the body, and after type and size", async () => {
    const partner = await server.partner();
    const bad = { "Idempotency-Key": "" };
    expect((await partner.send("POST", "/customers", "{", bad)).body.field).toBe("Idempotency-Key");
    const type = { ...bad, "Content-Type": "text/plain" };
    expect((await partner.send("POST", "/customers", "{}", type)).status).toBe(415);
    expect((await partner.send("POST", "/customers", " ".repeat(65_537), bad)).status).toBe(413);
  });
});

describe("creates at the same time under one Idempotency-Key", () => {
  it("with one body all get the same answer, and make one customer", async () => {
    const partner = await server.partner();
    const colleague = await server.partner({ company: partner.company });
    const body = { email: "race@x.example" };
    const sent = await Promise.all(
      Array.from({ length: 30 }, (_, n) => create(n % 2 ? partner : colleague, "k", body)),
    );
    expect(new Set(sent.map((one) => JSON.stringify(answerOf(one)))).size).toBe(1);
    expect(sent.map(({ status }) => status)).toEqual(Array(30).fill(201));
    expect(sent.filter((one) => !isReplay(one))).toHaveLength(1);
    expect(await emailsOf(partner)).toEqual(["race@x.example"]);
  });

  it("with different bodies make the customer of one, and are else refused", async () => {
    const partner = await server.partner();
    const sent = await Promise.all(
      Array.from({ length: 20 }, (_, n) => create(partner, "k", { email: `n${n}@x.example` })),
    );
    expect(sent.map(({ status }) => status).sort()).toEqual([201, ...Array(19).fill(422)]);
    expect(await emailsOf(partner)).toHaveLength(1);
  });

  it("and with one email under different keys make one customer, and no key keeps a 409", async () => {
    const partner = await server.partner();
    const body = { email: "one@x.example" };
    const sent = await Promise.all(Array.from({ length: 20 }, (_, n) => create(partner, `k${n}`, body)));
    expect(sent.map(({ status }) => status).sort()).toEqual([201, ...Array(19).fill(409)]);
    const winner = sent.findIndex(({ status }) => status === 201);
    const again = await Promise.all(sent.map((_, n) => create(partner, `k${n}`, body)));
    expect(again.map(({ status }) => status)).toEqual(sent.map((_, n) => (n === winner ? 201 : 409)));
  });
});
