/** Concurrent updates of a company on PostgreSQL, which one statement makes together. */
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { beforeAll, expect, it, onTestFinished } from "vitest";
import { createGate } from "../../support/gate.ts";
import { countWaitingForLocks, listTransactions } from "../../support/locks.ts";
import type { ParsedResponse, Partner } from "../../support/partner.ts";
import { startServer, type TestServer } from "../../support/server.ts";

let server: TestServer;
let connection: pg.Client;
beforeAll(async () => {
  server = await startServer();
  connection = new pg.Client(server.databaseUrl);
  await connection.connect();
  return async () => {
    await connection.end();
    await server.stop();
  };
});

const names = Array.from({ length: 30 }, (_, index) => `name-${index}`);

/** Creates a customer for each name. Returns their IDs, in the order of the names. */
async function createAll(partner: Partner): Promise<string[]> {
  const created = names.map((name) =>
    partner.send("POST", "/customers", { email: `${name}@x.example`, name }),
  );
  return (await Promise.all(created)).map(({ body }) => body.data.id);
}

/** Updates customers concurrently. Returns the status of each. */
async function updateAll(
  partner: Partner,
  ids: readonly string[],
  change: (index: number) => object,
): Promise<number[]> {
  const sent = ids.map((id, index) => partner.send("PATCH", `/customers/${id}`, change(index)));
  return (await Promise.all(sent)).map(({ status }: ParsedResponse) => status);
}

it("updates: 30 at once → in 3 transactions", async () => {
  const gate = createGate(names.length);
  const together = await startServer({
    onStatement: ({ sql }) => (sql.startsWith('update "customers"') ? gate.arrive() : undefined),
  });
  onTestFinished(() => together.stop());
  const partner = await together.partner();
  const ids = await createAll(partner);
  const statuses = await updateAll(partner, ids, (index) => ({ notes: `Notes ${index}` }));
  expect(new Set(statuses)).toEqual(new Set([200]));
  // The first one at once, then 16 and 13.
  expect(await listTransactions(together)).toHaveLength(3);
});

it("updates: another transaction holds 3 of 30 customers → only their updates wait", async () => {
  const partner = await server.partner();
  const ids = await createAll(partner);
  const isHeld = (index: number) => index % 10 === 5;
  await connection.query("begin");
  await connection.query("select from customers where id = any($1) for update", [
    ids.filter((_, index) => isHeld(index)),
  ]);
  const sent = ids.map((id, index) => partner.send("PATCH", `/customers/${id}`, { notes: `${index}` }));
  const others = await Promise.all(sent.filter((_, index) => !isHeld(index)));
  expect(new Set(others.map(({ status }) => status))).toEqual(new Set([200]));
  while ((await countWaitingForLocks(connection)) < 3) await sleep(10);
  await connection.query("rollback");
  const held = await Promise.all(sent.filter((_, index) => isHeld(index)));
  expect(held.map(({ status, body }) => [status, body.data.notes])).toEqual([
    [200, "5"],
    [200, "15"],
    [200, "25"],
  ]);
});

it("updates: two servers, same customers in reverse order → 200, all audited", async () => {
  const other = await startServer({ databaseUrl: server.databaseUrl });
  onTestFinished(() => other.stop());
  const company = "reversed";
  const partners = [await server.partner({ company }), await other.partner({ company })] as const;
  const ids = await createAll(partners[0]);
  const statuses = await Promise.all([
    updateAll(partners[0], ids, (index) => ({ notes: `First ${index}` })),
    updateAll(partners[1], ids.toReversed(), (index) => ({ notes: `Second ${index}` })),
  ]);
  expect(new Set(statuses.flat())).toEqual(new Set([200]));
  const { rows } = await connection.query(
    "select count(*)::integer as count from audit_entries where customer_id = any($1) group by customer_id",
    [ids],
  );
  // A creation and two changes.
  expect(rows).toEqual(ids.map(() => ({ count: 3 })));
});

it("updates: PostgreSQL rejects the values of one → the others take effect", async () => {
  const partner = await server.partner();
  const ids = await createAll(partner);
  await connection.query("alter table customers add constraint test check (notes <> 'Bad') not valid");
  onTestFinished(async () => {
    await connection.query("alter table customers drop constraint test");
  });
  const change = (index: number) => ({ notes: index === 20 ? "Bad" : `Good ${index}` });
  const statuses = await updateAll(partner, ids, change);
  expect(statuses).toEqual(ids.map((_, index) => (index === 20 ? 500 : 200)));
  const { data } = (await partner.send("GET", "/customers?limit=100")).body;
  expect(data.filter(({ notes }: { notes: string | null }) => notes?.startsWith("Good "))).toHaveLength(29);
});
