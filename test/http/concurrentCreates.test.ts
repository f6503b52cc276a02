/** Creates that arrive together: one statement inserts several of them. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { startServer, type TestServer } from "../support/server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());

/** Customer `index`, with values of its own. */
const customer = (index: number, email: string) => ({
  email,
  name: index % 3 === 0 ? null : `Name ${index} of ${email}`,
  status: index % 2 === 0 ? "ACTIVE" : "BLOCKED",
  notes: `Notes ${index}`,
  creditLimit: index + 0.25,
  taxRateOverride: index % 5 === 0 ? null : index / 1_000,
});

const byTimeOfUpdate = (one: { updatedAt: string }, other: { updatedAt: string }) =>
  one.updatedAt < other.updatedAt ? -1 : 1;

it("creates: 40 concurrent ones for 20 emails → one 201 each, with its own fields", async () => {
  const partner = await server.partner();
  const bodies = Array.from({ length: 40 }, (_, index) => customer(index, `email-${index % 20}@x.example`));
  const sent = await Promise.all(bodies.map((body) => partner.send("POST", "/customers", body)));
  expect(sent.map(({ status }) => status).sort()).toEqual([...Array(20).fill(201), ...Array(20).fill(409)]);
  for (const [index, { status, body }] of sent.entries()) {
    if (status !== 201) continue;
    expect(body.data).toMatchObject(bodies[index] as object);
    expect((await partner.send("GET", `/customers/${body.data.id}`)).body).toEqual(body);
    const found = await partner.send("GET", `/customers?search=${body.data.email.slice(0, 10)}`);
    expect(found.body.data).toContainEqual(body.data);
  }
});

it("creates: among updates and Idempotency-Keys of two companies → all take effect", async () => {
  const partners = [await server.partner(), await server.partner()] as const;
  const existing = await Promise.all(
    partners.map((partner) => partner.send("POST", "/customers", { email: "first@x.example" })),
  );
  const sent = await Promise.all(
    Array.from({ length: 60 }, (_, index) => {
      const company = index % 2;
      const partner = partners[company as 0 | 1];
      const body = customer(index, `email-${index}@x.example`);
      if (index % 7 === 0)
        return partner.send("PATCH", `/customers/${existing[company]?.body.data.id}`, { notes: `${index}` });
      const headers: Record<string, string> = index % 5 === 0 ? { "Idempotency-Key": `key-${index}` } : {};
      return partner.send("POST", "/customers", body, headers);
    }),
  );
  expect(sent.map(({ status }) => status)).toEqual(sent.map((_, index) => (index % 7 === 0 ? 200 : 201)));
  for (const [company, partner] of partners.entries()) {
    const { data } = (await partner.send("GET", "/customers?limit=100")).body;
    const created = sent.filter((_, index) => index % 2 === company && index % 7 !== 0);
    expect(data).toHaveLength(created.length + 1);
    for (const { body } of created) expect(data).toContainEqual(body.data);
    const updates = sent.filter((_, index) => index % 2 === company && index % 7 === 0);
    const newest = updates
      .map(({ body }) => body.data)
      .sort(byTimeOfUpdate)
      .at(-1);
    expect(data).toContainEqual(newest);
  }
});
