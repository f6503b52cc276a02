/** server/deploy/partitions.sql: customers and idempotency keys in partitions by company, on PostgreSQL. */
import { readFileSync } from "node:fs";
import pg from "pg";
import { expect, it, onTestFinished } from "vitest";
import { deleteExpiredKeys } from "../../server/idempotencyKeys.ts";
import { createDatabase } from "../support/databases.ts";
import { execute } from "../support/postgres.ts";
import { runCommand } from "../support/processes.ts";
import { startServer, type TestServer } from "../support/server.ts";

const sql = readFileSync("server/deploy/partitions.sql", "utf8");

async function start(databaseUrl: string): Promise<TestServer> {
  const server = await startServer({ databaseUrl });
  onTestFinished(() => server.stop());
  return server;
}

async function query(url: string, text: string): Promise<Record<string, unknown>[]> {
  const connection = new pg.Client(url);
  await connection.connect();
  return (await connection.query(text).finally(() => connection.end())).rows;
}

/** The parts of the schema that must not depend on how tables are stored: columns, checks, indexes, triggers. */
async function readSchema(url: string): Promise<Record<string, unknown>[]> {
  return query(
    url,
    `select 'column ' || attname || ' ' || atttypid::regtype || attnotnull as part from pg_attribute
       where attrelid in ('customers'::regclass, 'idempotency_keys'::regclass) and attnum > 0
     union all select pg_get_constraintdef(oid) from pg_constraint
       where conrelid in ('customers'::regclass, 'idempotency_keys'::regclass) and contype <> 'n'
     union all select regexp_replace(indexdef, '^.* USING', '') from pg_indexes
       where tablename in ('customers', 'idempotency_keys')
     union all select tgname || ' ' || tgtype from pg_trigger
       where tgrelid = 'customers'::regclass and not tgisinternal
     order by part`,
  );
}

it("partitions.sql: existing customers → all operations and commands work", async () => {
  const { url, drop } = await createDatabase("postgres");
  onTestFinished(drop);
  const before = await start(url);
  const partner = await before.partner();
  const first = await partner.send("POST", "/customers", { email: "first@x.example", name: "Łódź" });
  const replayable = { "Idempotency-Key": "before" };
  const kept = await partner.send("POST", "/customers", { email: "kept@x.example" }, replayable);
  const schema = await readSchema(url);
  await execute(url, `begin; ${sql} commit`);
  expect(await readSchema(url)).toEqual(schema);

  const server = await start(url);
  const send = async (...[method, path, body, headers]: Parameters<typeof partner.send>) => {
    const init = {
      method,
      headers: { "Content-Type": "application/json", ...headers },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    };
    const response = await server.fetch(`/api/v1${path}`, { key: partner.key, ...init });
    return { status: response.status, headers: response.headers, body: await response.json() };
  };
  const replayed = await send("POST", "/customers", { email: "kept@x.example" }, replayable);
  expect([replayed.status, replayed.headers.get("Idempotent-Replayed")]).toEqual([201, "true"]);
  expect(replayed.body).toEqual(kept.body);
  expect((await send("POST", "/customers", { email: "first@x.example" })).status).toBe(409);
  const created = await send("POST", "/customers", { email: "new@x.example", name: "New" });
  const path = `/customers/${created.body.data.id}`;
  expect((await send("PATCH", path, { notes: "changed" })).body.data.notes).toBe("changed");
  const stale = { "If-Match": created.headers.get("ETag") as string };
  expect((await send("PATCH", path, { notes: "again" }, stale)).status).toBe(412);
  expect((await send("GET", path)).status).toBe(200);
  const listEmails = async (parameters: string) =>
    (await send("GET", `/customers?${parameters}`)).body.data.map(({ email }: { email: string }) => email);
  expect(await listEmails("limit=2")).toEqual(["new@x.example", "kept@x.example"]);
  expect(await listEmails("search=%C5%82%C3%B3d")).toEqual(["first@x.example"]);
  expect(await listEmails("email=KEPT@x.example")).toEqual(["kept@x.example"]);
  expect(await listEmails("status=BLOCKED")).toEqual([]);

  const run = (...args: string[]) => runCommand(args, { DATABASE_URL: url });
  const audit = await run("audit", "--company", partner.company, "--json");
  const entries = audit.stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  const ofCustomers = entries.filter(({ customerId }) => customerId !== undefined);
  // The copy has added no entries.
  expect(ofCustomers).toHaveLength(4);
  const exported = await run("export", "--company", partner.company);
  expect(exported.stdout.trimEnd().split("\n")).toHaveLength(4);
  const { id } = first.body.data;
  expect((await run("erase", "--company", partner.company, "--customer", id)).code).toBe(0);
  const target = await createDatabase("sqlite");
  onTestFinished(target.drop);
  const copied = await run("copy", "--from", url, "--to", target.url);
  expect(copied.stdout).toMatch(/^customers: 3 rows/m);
  await execute(url, "update idempotency_keys set created_at = 0");
  await deleteExpiredKeys(server.database);
  expect(await query(url, "select key from idempotency_keys")).toEqual([]);
});

it("partitions.sql: several companies → several partitions, a read uses one", async () => {
  const server = await startServer({ databaseUrl: (await createPartitioned()).url });
  onTestFinished(() => server.stop());
  for (let n = 0; n < 12; n++) {
    const partner = await server.partner();
    const { status } = await partner.send("POST", "/customers", { email: `n${n}@x.example` });
    expect(status).toBe(201);
  }
  const used = await query(server.databaseUrl, "select distinct tableoid::regclass as name from customers");
  expect(used.length).toBeGreaterThan(1);
  const plan = await query(
    server.databaseUrl,
    "explain select * from customers where company_id = '01890a5d-ac96-774b-bcce-b302099a8057' and id > '01890a5d-ac96-774b-bcce-b302099a8057'",
  );
  expect(JSON.stringify(plan).match(/customers_\d\b/g)).toHaveLength(1);
});

it("partitions.sql: concurrent updates → only the customers of that company change", async () => {
  const server = await startServer({ databaseUrl: (await createPartitioned()).url });
  onTestFinished(() => server.stop());
  const readAll = () =>
    query(server.databaseUrl, "select company_id, id, email, notes, updated_at from customers order by id");
  const partners = [await server.partner(), await server.partner(), await server.partner()] as const;
  for (let n = 0; n < 20; n++)
    for (const partner of partners) await partner.send("POST", "/customers", { email: `n${n}@x.example` });
  const before = await readAll();
  const { data } = (await partners[1].send("GET", "/customers")).body;
  const sent = await Promise.all(
    data.map(({ id }: { id: string }) => partners[1].send("PATCH", `/customers/${id}`, { notes: id })),
  );
  expect(sent.map(({ status }) => status)).toEqual(Array(20).fill(200));
  const after = await readAll();
  const changed = after.filter((row, index) => row.updated_at !== before[index]?.updated_at);
  expect(changed.map(({ id }) => id)).toEqual(data.map(({ id }: { id: string }) => id).sort());
  expect(changed.map(({ notes }) => notes)).toEqual(changed.map(({ id }) => id));
});

async function createPartitioned(): Promise<{ url: string }> {
  const { url, drop } = await createDatabase("postgres");
  onTestFinished(drop);
  const server = await startServer({ databaseUrl: url });
  await server.stop();
  await execute(url, `begin; ${sql} commit`);
  return { url };
}
