/** How companies share the connections to PostgreSQL. */
import pg from "pg";
import { expect, it, onTestFinished } from "vitest";
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
  while (await isAnyConnectionFree()) await other.send("GET", "/customers");
  for (const email of ["bob@x.example", "eve@x.example"])
    expect((await other.send("POST", "/customers", { email })).status).toBe(201);
  await connection.query("rollback");
  expect((await updated).map(({ status }) => status)).toEqual(updates.map(() => 200));

  /** Whether fewer than eight of the ten connections wait for the lock. */
  async function isAnyConnectionFree(): Promise<boolean> {
    await connection.query("select pg_stat_clear_snapshot()");
    const { rows } = await connection.query(
      "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
    );
    return rows.length < 8;
  }
});
