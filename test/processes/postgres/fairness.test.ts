/** How companies share the connections to PostgreSQL. */
import pg from "pg";
import { expect, it, onTestFinished } from "vitest";
import { createGate } from "../../support/gate.ts";
import { countWaitingForLocks } from "../../support/locks.ts";
import { startServer } from "../../support/server.ts";

it("pool: 40 updates wait for a locked customer → another company is served", async () => {
  const server = await startServer();
  onTestFinished(() => server.stop());
  const [busy, other] = [await server.partner(), await server.partner({ company: "other" })];
  const { id } = (await busy.send("POST", "/customers", { email: "ann@x.example" })).body.data;
  const connection = new pg.Client(server.databaseUrl);
  await connection.connect();
  onTestFinished(() => connection.end());
  await connection.query("begin");
  await connection.query("select from customers where id = $1 for update", [id]);

  const updates = Array.from({ length: 40 }, () => busy.send("PATCH", `/customers/${id}`, { name: "Ann" }));
  const updated = Promise.all(updates);
  // The writes of one company use at most eight of the ten connections.
  while ((await countWaitingForLocks(connection)) < 8) await other.send("GET", "/customers");
  for (const email of ["bob@x.example", "eve@x.example"])
    expect((await other.send("POST", "/customers", { email })).status).toBe(201);
  await connection.query("rollback");
  expect((await updated).map(({ status }) => status)).toEqual(updates.map(() => 200));
});

it("pool: 120 lists while customers are locked → each gets a 503, probes a 200", async () => {
  // The key of a list that arrives once all connections are in use cannot be looked up, so the first lists continue
  // together.
  const gate = createGate(100);
  const server = await startServer({
    onStatement: ({ sql }) => (sql.includes(`from "customers"`) ? gate.arrive() : undefined),
  });
  onTestFinished(() => server.stop());
  const key = await server.createKey();
  const connection = new pg.Client(server.databaseUrl);
  await connection.connect();
  onTestFinished(() => connection.end());
  await connection.query("begin");
  await connection.query("lock table customers");
  const sendAll = (count: number, path: string) =>
    Promise.all(
      Array.from({ length: count }, async () => {
        const { status, headers } = await server.fetch(path, { key });
        return [status, headers.get("Retry-After")];
      }),
    );

  const lists = sendAll(100, "/api/v1/customers");
  await gate.opened;
  // These are queued, because enough statements wait for a connection.
  const queued = sendAll(20, "/api/v1/customers");
  expect(await sendAll(5, "/healthz")).toEqual(Array.from({ length: 5 }, () => [200, null]));
  expect([...(await lists), ...(await queued)]).toEqual(Array.from({ length: 120 }, () => [503, "1"]));
  expect(server.logLines).toContainEqual(expect.objectContaining({ msg: "overloaded" }));
  expect(gate.arrivals).toBe(100);
  await connection.query("rollback");
  expect(await sendAll(1, "/api/v1/customers")).toEqual([[200, null]]);
});
