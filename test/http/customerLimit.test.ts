/** MAX_CUSTOMERS_PER_COMPANY: never exceeded by concurrent creates or by several servers. */
import { expect, it, onTestFinished } from "vitest";
import type { Partner } from "../support/partner.ts";
import { startServer } from "../support/server.ts";

async function startLimited(maxCustomersPerCompany: number, databaseUrl?: string) {
  const server = await startServer({ maxCustomersPerCompany, ...(databaseUrl && { databaseUrl }) });
  onTestFinished(server.stop);
  return server;
}

let emails = 0;
const create = (partner: Partner, headers: Record<string, string> = {}) =>
  partner.send("POST", "/customers", { email: `${++emails}@limit.example` }, headers);

/** Counts the responses by status. */
function countStatuses(responses: { status: number }[]): Record<number, number> {
  const counts: Record<number, number> = {};
  for (const { status } of responses) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}

it("createCustomer: company is full → 503; reads, updates and others unaffected", async () => {
  const server = await startLimited(2);
  const partner = await server.partner();
  const { body } = await create(partner);
  await create(partner);
  const rejected = await create(partner);
  expect([rejected.status, rejected.headers.get("Retry-After")]).toEqual([503, "60"]);
  expect(server.logLines.map(({ err }) => (err as { message: string })?.message)).toContain(
    "the company has MAX_CUSTOMERS_PER_COMPANY customers",
  );
  expect((await partner.send("GET", "/customers")).body.data).toHaveLength(2);
  const update = await partner.send("PATCH", `/customers/${body.data.id}`, { name: "New" });
  expect(update.status).toBe(200);
  expect((await create(await server.partner())).status).toBe(201);
});

it("createCustomer: 60 at once for one company → exactly the maximum", async () => {
  const server = await startLimited(30);
  const partner = await server.partner();
  const responses = await Promise.all(
    Array.from({ length: 60 }, (_, index) =>
      create(partner, index % 2 === 0 ? {} : { "Idempotency-Key": `key-${index}` }),
    ),
  );
  expect(countStatuses(responses)).toEqual({ 201: 30, 503: 30 });
});

it("createCustomer: 200 of two servers at once → exactly the maximum", async () => {
  const first = await startLimited(130);
  const second = await startLimited(130, first.databaseUrl);
  const partners = [await first.partner({ company: "acme" }), await second.partner({ company: "acme" })];
  const statuses: { status: number }[] = [];
  // In several rounds, so that counts are reused while there is plenty of room, and renewed when there is not.
  for (let round = 0; round < 10; round++) {
    const batch = partners.flatMap((partner) => Array.from({ length: 10 }, () => create(partner)));
    statuses.push(...(await Promise.all(batch)));
  }
  expect(countStatuses(statuses)).toEqual({ 201: 130, 503: 70 });
});

it("createCustomer: replay of an idempotency key in a full company → 201", async () => {
  const partner = await (await startLimited(1)).partner();
  const send = () =>
    partner.send("POST", "/customers", { email: "first@limit.example" }, { "Idempotency-Key": "first" });
  const first = await send();
  expect((await create(partner)).status).toBe(503);
  const again = await send();
  expect([again.status, again.body]).toEqual([201, first.body]);
});
