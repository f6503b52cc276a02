import { afterAll, beforeAll, expect, it } from "vitest";
import { startServer, type TestServer } from "../support/server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());

const full = {
  name: "Corner Bakery",
  notes: "Delivers on Tuesdays.",
  creditLimit: 4.35,
  taxRateOverride: 0.07,
  status: "BLOCKED",
};

/** Creates a customer with every field set, and functions to read and update it. */
async function createCustomer(fields: object = full) {
  const partner = await server.partner();
  const created = await partner.send("POST", "/customers", { email: "update@me.example", ...fields });
  const path = `/customers/${created.body.data.id}`;
  return {
    partner,
    path,
    created: created.body.data,
    tag: created.headers.get("ETag"),
    update: (body: unknown, headers?: Record<string, string>) => partner.send("PATCH", path, body, headers),
    get: () => partner.send("GET", path),
  };
}

it("updateCustomer: some fields → 200, omitted fields unchanged", async () => {
  const { created, update, get } = await createCustomer();
  const { status, body } = await update({ name: "New Name", creditLimit: 1.13 });
  expect(status).toBe(200);
  expect(body.data).toEqual({
    ...created,
    name: "New Name",
    creditLimit: 1.13,
    updatedAt: body.data.updatedAt,
  });
  expect((await get()).body).toEqual(body);
});

it.each(["name", "notes", "creditLimit", "taxRateOverride"])(
  "updateCustomer: %s null → cleared, nothing else changes",
  async (field) => {
    const { created, update } = await createCustomer();
    const { body } = await update({ [field]: null });
    expect(body.data).toEqual({ ...created, [field]: null, updatedAt: body.data.updatedAt });
    expect(body.data.updatedAt > created.updatedAt).toBe(true);
  },
);

it('updateCustomer: notes "" → stored, not null', async () => {
  const { update } = await createCustomer();
  expect((await update({ notes: "" })).body.data.notes).toBe("");
});

it("updateCustomer: BLOCKED, then ACTIVE → 200", async () => {
  const { update } = await createCustomer({});
  for (const status of ["BLOCKED", "ACTIVE"])
    expect((await update({ status })).body.data.status).toBe(status);
});

it.each([null, "", "update@me.example", "other@x.example", "not an email", 5, false, {}, []])(
  "updateCustomer: email %j → 400, before every other field",
  async (email) => {
    const { update, get, tag } = await createCustomer();
    for (const body of [{ email }, { unknown: 1, status: 5, name: "", email }]) {
      const sent = await update(body);
      expect([sent.status, sent.body]).toEqual([400, { error: "Email cannot be changed.", field: "email" }]);
    }
    expect((await get()).headers.get("ETag")).toBe(tag);
  },
);

it("updateCustomer: {} → 200, a blocked customer stays blocked, same ETag", async () => {
  const { created, update, get, tag } = await createCustomer();
  const { status, body, headers } = await update({});
  expect([status, body.data, headers.get("ETag")]).toEqual([200, created, tag]);
  expect((await get()).body.data).toEqual(created);
});

it("updateCustomer: the same values → same updatedAt and ETag", async () => {
  const { created, update, tag } = await createCustomer();
  for (const [field, value] of Object.entries(full)) {
    const { body, headers } = await update({ [field]: value });
    expect([body.data, headers.get("ETag")]).toEqual([created, tag]);
  }
  const { body, headers } = await update(full);
  expect([body.data, headers.get("ETag")]).toEqual([created, tag]);
});

it("updateCustomer: null to null → same updatedAt and ETag", async () => {
  const { created, update, tag } = await createCustomer({});
  const { body, headers } = await update({
    name: null,
    notes: null,
    creditLimit: null,
    taxRateOverride: null,
  });
  expect([body.data, headers.get("ETag")]).toEqual([created, tag]);
});

it("updateCustomer: name in another case or normalization → changed", async () => {
  const { created, update } = await createCustomer({ name: "Café" });
  let before = created.updatedAt;
  for (const name of ["CAFÉ", "Café", "Cafe\u0301"]) {
    const { body } = await update({ name });
    expect(body.data.name).toBe(name);
    expect(body.data.updatedAt > before).toBe(true);
    before = body.data.updatedAt;
  }
});

it("updateCustomer: 40 concurrent changes → updatedAt grows by 1 ms or more each", async () => {
  const { created, partner, path } = await createCustomer();
  const sent = await Promise.all(
    Array.from({ length: 40 }, (_, n) => partner.send("PATCH", path, { name: `Name ${n}` })),
  );
  expect(new Set(sent.map(({ status }) => status))).toEqual(new Set([200]));
  const times = [created.updatedAt, ...sent.map(({ body }) => body.data.updatedAt)];
  expect(new Set(times).size).toBe(41);
  expect(times.toSorted()[0]).toBe(created.updatedAt);
  expect(new Set(sent.map(({ headers }) => headers.get("ETag"))).size).toBe(40);
});

it("updateCustomer: value changed and changed back → a new ETag each time", async () => {
  const { update, tag } = await createCustomer();
  const tags = [tag];
  for (const name of ["Other", full.name]) tags.push((await update({ name })).headers.get("ETag"));
  expect(new Set(tags).size).toBe(3);
});

it("updateCustomer: two concurrent changes of different fields → both kept", async () => {
  const { update, get } = await createCustomer();
  await Promise.all([update({ name: "Both" }), update({ notes: "Kept" })]);
  expect((await get()).body.data).toMatchObject({ name: "Both", notes: "Kept" });
});

it("updateCustomer: one customer → others unchanged", async () => {
  const { partner, update } = await createCustomer();
  const other = await partner.send("POST", "/customers", { email: "bystander@x.example", name: "Same" });
  await update({ name: "Changed", status: "ACTIVE" });
  expect((await partner.send("GET", `/customers/${other.body.data.id}`)).body).toEqual(other.body);
});

it("updateCustomer: customer of another company → 404, unchanged", async () => {
  const { created, path, get, tag } = await createCustomer();
  const stranger = await server.partner();
  const paths = [
    path,
    "/customers/019ab3f2-7c00-7d3a-9b52-3f6f1f0f6a11",
    path.toUpperCase().replace("CUSTOMERS", "customers"),
    "/customers/x",
    "/customers/%00",
    "/customers/%F0%9F%98%80",
    "/customers/a%2Fb",
  ];
  for (const target of paths)
    for (const body of [{ name: "Taken" }, {}])
      for (const headers of [{}, { "If-Match": "*" }, { "If-Match": `${tag}` }]) {
        const sent = await stranger.send("PATCH", target, body, headers);
        expect([sent.status, sent.body]).toEqual([404, { error: "Customer not found." }]);
      }
  expect((await get()).body.data).toEqual(created);
});

it("updateCustomer: ID in upper case → 404", async () => {
  const { partner, path } = await createCustomer();
  const upper = path.toUpperCase().replace("CUSTOMERS", "customers");
  expect((await partner.send("PATCH", upper, { name: "Upper" })).status).toBe(404);
});
