/** The audit trail: an entry for each acknowledged write, and no others. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { createApiKeys } from "../../server/apiKeys.ts";
import { listAudit } from "../../server/commands/audit.ts";
import { named } from "../../server/database/statement.ts";
import { breakAuditTrail } from "../support/databaseFaults.ts";
import type { Partner } from "../support/partner.ts";
import { startServer, type TestServer } from "../support/server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());

interface Entry {
  time: string;
  action: string;
  customerId: string;
  key: { id: string; prefix: string; name: string } | null;
  fields: string[];
}

/** The company and the ID of a key. */
async function findKey({ key }: Partner) {
  const found = await createApiKeys(server.database).find(`Bearer ${key}`);
  if (!found) throw new Error("No such key");
  return found;
}

/** Lists the entries of a partner's company, oldest first. */
async function listEntries(
  partner: Partner,
  filter: { customerId?: string; since?: number } = {},
): Promise<Entry[]> {
  const { companyId } = await findKey(partner);
  const { customerId, since = 0 } = filter;
  const entries: Entry[] = [];
  for await (const line of listAudit(server.database, { companyId, customerId, since }, true))
    entries.push(JSON.parse(line));
  // Without the entry for the partner's key.
  return entries.filter(({ action }) => action !== "create key");
}

async function createAndGet(partner: Partner, body: object) {
  const { status, body: response } = await partner.send("POST", "/customers", body);
  expect(status).toBe(201);
  return response.data;
}

it("createCustomer: 201 → one audit entry: time, customer, key without its secret", async () => {
  const partner = await server.partner();
  const customer = await createAndGet(partner, { email: "a@x.example", name: "A" });
  const { id } = await findKey(partner);
  const key = { id, prefix: partner.key.slice(0, 12), name: "test" };
  const entries = await listEntries(partner);
  expect(entries).toEqual([
    { time: customer.createdAt, action: "create", customerId: customer.id, key, fields: [] },
  ]);
  expect(JSON.stringify(entries)).not.toContain(partner.key.slice(12));
});

it("createCustomer: 400 or 409 → no audit entry", async () => {
  const partner = await server.partner();
  await createAndGet(partner, { email: "a@x.example" });
  const rejected = [
    await partner.send("POST", "/customers", { email: "a@x.example" }),
    await partner.send("POST", "/customers", { email: "A@X.example" }, { "Idempotency-Key": "new" }),
    await partner.send("POST", "/customers", { email: "b" }),
  ];
  expect(rejected.map(({ status }) => status)).toEqual([409, 409, 400]);
  expect(await listEntries(partner)).toHaveLength(1);
});

it("createCustomer: repeated and concurrent Idempotency-Key → one audit entry", async () => {
  const partner = await server.partner();
  const send = () =>
    partner.send("POST", "/customers", { email: "once@x.example" }, { "Idempotency-Key": "k" });
  const responses = [await send(), ...(await Promise.all([send(), send(), send()]))];
  expect(responses.map(({ status }) => status)).toEqual([201, 201, 201, 201]);
  expect(await listEntries(partner)).toHaveLength(1);
});

it("updateCustomer: changed values → audit entry with their fields and updatedAt", async () => {
  const partner = await server.partner();
  const { id } = await createAndGet(partner, { email: "a@x.example", name: "A", creditLimit: 5 });
  const changes = [
    { body: { name: "B" }, fields: ["name"] },
    { body: { name: "B", creditLimit: 5, notes: "n" }, fields: ["notes"] },
    { body: { name: null, creditLimit: null }, fields: ["name", "creditLimit"] },
    {
      body: { name: "ı", taxRateOverride: 0.1, status: "BLOCKED" },
      fields: ["name", "status", "taxRateOverride"],
    },
    { body: { name: "I" }, fields: ["name"] },
  ];
  const times: string[] = [];
  for (const { body } of changes)
    times.push((await partner.send("PATCH", `/customers/${id}`, body)).body.data.updatedAt);
  const [first, ...entries] = await listEntries(partner);
  expect(first?.action).toBe("create");
  expect(entries.map(({ fields }) => fields)).toEqual(changes.map(({ fields }) => fields));
  expect(entries.map(({ time }) => time)).toEqual(times);
  expect(new Set(entries.map(({ action, customerId }) => `${action} ${customerId}`))).toEqual(
    new Set([`update ${id}`]),
  );
});

it("updateCustomer: no change, 400, 404 or 412 → no audit entry", async () => {
  const partner = await server.partner();
  const { id } = await createAndGet(partner, { email: "a@x.example", name: "A" });
  const statuses: number[] = [];
  for (const [path, body, headers] of [
    [id, {}, {}],
    [id, { name: "A", status: "ACTIVE", notes: null }, {}],
    [id, { name: "B" }, { "If-Match": '"stale"' }],
    [id, { name: 1 }, {}],
    [id.replace(/.$/, (last: string) => (last === "0" ? "1" : "0")), { name: "B" }, {}],
  ])
    statuses.push((await partner.send("PATCH", `/customers/${path}`, body, headers)).status);
  expect(statuses).toEqual([200, 200, 412, 400, 404]);
  expect((await listEntries(partner)).map(({ action }) => action)).toEqual(["create"]);
});

it("updateCustomer: after another key's no-op update → its own key in the entry", async () => {
  const [first, second] = [
    await server.partner({ company: "two-keys" }),
    await server.partner({ company: "two-keys" }),
  ];
  const { id } = await createAndGet(first, { email: "a@x.example" });
  await second.send("PATCH", `/customers/${id}`, {});
  await first.send("PATCH", `/customers/${id}`, { name: "A" });
  await second.send("PATCH", `/customers/${id}`, { name: "B" });
  const writers = (await listEntries(first)).map(({ key }) => key?.prefix);
  const [one, two] = [first.key.slice(0, 12), second.key.slice(0, 12)];
  expect(writers).toEqual([one, one, two]);
});

it("updateCustomer: 40 concurrent changes → one audit entry per change", async () => {
  const partner = await server.partner();
  const { id } = await createAndGet(partner, { email: "a@x.example" });
  const responses = await Promise.all(
    Array.from({ length: 40 }, (_, n) => partner.send("PATCH", `/customers/${id}`, { name: `N${n % 7}` })),
  );
  const times = responses.map(({ body }) => body.data.updatedAt).sort();
  const entered = (await listEntries(partner)).slice(1).map(({ time }) => time);
  // Updates to a name that was already set changed nothing, and returned the time of the earlier change.
  expect(entered).toEqual([...new Set(times)]);
});

it("audit: entry cannot be stored → 500, the customer is not written", async () => {
  const broken = await startServer();
  try {
    const partner = await broken.partner();
    const { body } = await partner.send("POST", "/customers", { email: "a@x.example", name: "A" });
    await breakAuditTrail(broken);
    const responses = [
      await partner.send("POST", "/customers", { email: "b@x.example" }),
      await partner.send("POST", "/customers", { email: "c@x.example" }, { "Idempotency-Key": "k" }),
      await partner.send("PATCH", `/customers/${body.data.id}`, { name: "B" }),
    ];
    expect(responses.map(({ status }) => status)).toEqual([500, 500, 500]);
    expect((await partner.send("GET", "/customers")).body.data).toEqual([body.data]);
  } finally {
    await broken.stop();
  }
});

it("audit: entries of another company → not listed", async () => {
  const [ours, theirs] = [await server.partner(), await server.partner()];
  const customer = await createAndGet(ours, { email: "a@x.example" });
  await theirs.send("PATCH", `/customers/${customer.id}`, { name: "B" });
  await createAndGet(theirs, { email: "a@x.example" });
  expect((await listEntries(ours)).map(({ customerId }) => customerId)).toEqual([customer.id]);
  expect(await listEntries(theirs, { customerId: customer.id })).toEqual([]);
});

it("audit: more than a page → all in order; filtered by since and customer", async () => {
  const partner = await server.partner();
  const customers: { id: string }[] = [];
  for (let n = 0; n < 3; n++) customers.push(await createAndGet(partner, { email: `n${n}@x.example` }));
  const updates = Array.from({ length: 1_100 }, (_, n) => ({ id: customers[n % 3]?.id, name: `N${n}` }));
  for (let start = 0; start < updates.length; start += 50)
    await Promise.all(
      updates
        .slice(start, start + 50)
        .map(({ id, name }) => partner.send("PATCH", `/customers/${id}`, { name })),
    );
  const all = await listEntries(partner);
  expect(all).toHaveLength(1_103);
  const order = all.map(({ time, customerId }) => `${time} ${customerId}`);
  expect(order).toEqual([...new Set(order)].sort());
  const { time } = all[600] as Entry;
  expect(await listEntries(partner, { since: Date.parse(time) })).toEqual(
    all.filter((entry) => entry.time >= time),
  );
  const { id } = customers[1] as { id: string };
  const ofOne = await listEntries(partner, { customerId: id });
  expect(ofOne).toEqual(all.filter(({ customerId }) => customerId === id));
  expect(ofOne.length).toBeGreaterThan(300);
});

it("audit: SQL that does not set changed_by → no entry", async () => {
  const partner = await server.partner();
  const { id } = await createAndGet(partner, { email: "a@x.example" });
  const { knex, prepare, write } = server.database;
  const statement = prepare(
    knex("customers")
      .update({ name: "By hand", folded_name: "by hand", updated_at: 9e12 })
      .where("id", named("id"))
      .returning("id"),
  );
  await write([{ statement, values: { id } }]);
  expect((await partner.send("GET", `/customers/${id}`)).body.data.name).toBe("By hand");
  expect(await listEntries(partner)).toHaveLength(1);
});
