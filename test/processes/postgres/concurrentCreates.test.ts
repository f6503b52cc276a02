/** Concurrent creates of a company on PostgreSQL, which one statement inserts together. */
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { beforeAll, expect, it, onTestFinished } from "vitest";
import { createGate } from "../../support/gate.ts";
import { countWaitingForLocks, listTransactions } from "../../support/locks.ts";
import type { Partner } from "../../support/partner.ts";
import { startServer, type TestServer } from "../../support/server.ts";

let server: TestServer;
let connection: pg.Client;
beforeAll(async () => {
  server = await startServer();
  connection = new pg.Client(server.databaseUrl);
  await connection.connect();
  // Opens connections, so that later creates arrive together.
  await createAll(
    await server.partner(),
    names.map((name) => `first-${name}`),
  );
  return async () => {
    await connection.end();
    await server.stop();
  };
});

/** Creates customers concurrently, with a pause before each. Returns the status for each email. */
async function createAll(
  partner: Partner,
  names: readonly string[],
  pauseInMilliseconds = 0,
): Promise<Record<string, number>> {
  const statuses = names.map(async (name, index) => {
    await sleep(index * pauseInMilliseconds);
    const { status } = await partner.send("POST", "/customers", { email: `${name}@x.example`, name });
    return [name, status];
  });
  return Object.fromEntries(await Promise.all(statuses));
}

/** Begins a transaction in which other customers get these emails. */
async function holdEmails(partner: Partner, names: readonly string[]): Promise<void> {
  const others = names.map((name) => `other-${name}`);
  await createAll(partner, others);
  await connection.query("begin");
  await connection.query("update customers set email = substr(email, 7) where name = any($1)", [others]);
}

const names = Array.from({ length: 30 }, (_, index) => `name-${index}`);
const statuses = (status: number) => Object.fromEntries(names.map((name) => [name, status]));

it("creates: 30 at once → in 3 transactions", async () => {
  const gate = createGate(names.length);
  const together = await startServer({
    onStatement: ({ sql }) => (sql.startsWith('insert into "customers"') ? gate.arrive() : undefined),
  });
  onTestFinished(() => together.stop());
  expect(await createAll(await together.partner(), names)).toEqual(statuses(201));
  // The first one at once, then 16 and 13.
  expect(await listTransactions(together)).toHaveLength(3);
});

it("creates: two servers, same emails in reverse order → 201 or 409, no deadlock", async () => {
  const other = await startServer({ databaseUrl: server.databaseUrl });
  onTestFinished(() => other.stop());
  const company = "reversed";
  const partners = [await server.partner({ company }), await other.partner({ company })] as const;
  // Opens connections.
  await createAll(partners[1], names);
  await holdEmails(partners[0], ["held-1", "held-2", "held-3"]);
  // The first create of each server waits, so the others share a statement: it has inserted the first of them when it
  // waits for the next one.
  const both = Promise.all([
    createAll(partners[0], ["held-1", "a", "held-3", "z"], 2),
    createAll(partners[1], ["held-2", "z", "held-3", "a"], 2),
  ]);
  while ((await countWaitingForLocks(connection)) < 4) await sleep(10);
  await connection.query("rollback");
  const [one, reversed] = await both;
  expect([one["held-1"], reversed["held-2"]]).toEqual([201, 201]);
  for (const name of ["a", "held-3", "z"]) expect([one[name], reversed[name]].sort()).toEqual([201, 409]);
});

it("creates: PostgreSQL rejects the values of one → the others are created", async () => {
  const partner = await server.partner();
  await connection.query("alter table customers add constraint test check (name <> 'name-20') not valid");
  onTestFinished(async () => {
    await connection.query("alter table customers drop constraint test");
  });
  expect(await createAll(partner, names)).toEqual({ ...statuses(201), "name-20": 500 });
});

it("creates: another transaction holds emails → later creates of others succeed", async () => {
  const partner = await server.partner();
  const held = ["name-5", "name-15", "name-25"];
  await holdEmails(partner, held);
  const outcome = (name: string) => [name, held.includes(name) ? 503 : 201];
  // Those that share a statement with a held email fail with it.
  const together = await createAll(partner, names);
  const failed = names.filter((name) => together[name] === 503);
  expect(failed).toEqual(expect.arrayContaining(held));
  expect(failed.length).toBeGreaterThan(held.length);

  expect(await createAll(partner, failed)).toEqual(Object.fromEntries(failed.map(outcome)));
  await connection.query("rollback");
  expect(await createAll(partner, held)).toEqual(Object.fromEntries(held.map((name) => [name, 201])));
});
