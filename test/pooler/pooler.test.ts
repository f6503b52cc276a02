/** DATABASE_POOLER=transaction: servers and commands behind PgBouncer. */
import { expect, inject, it, onTestFinished } from "vitest";
import { createTemporaryDatabase } from "../support/databases.ts";
import { createTestDatabase, execute, startPostgres } from "../support/postgres.ts";
import { runCommand, runServer, spawnServer } from "../support/processes.ts";
import { createPooledRole, startPgBouncer } from "./pgbouncer.ts";

const DATABASE_POOLER = "transaction";

/** Starts a server behind PgBouncer, with a key that a command has created through PgBouncer. */
async function startDeployment(environment: Record<string, string> = {}) {
  const DATABASE_URL = await createTemporaryDatabase();
  const server = await spawnServer({ DATABASE_URL, DATABASE_POOLER, ...environment });
  const created = await runCommand(
    ["keys", "create", "--company", "acme", "--scopes", "customers:read,customers:write"],
    { DATABASE_URL, DATABASE_POOLER },
  );
  expect(created).toMatchObject({ code: 0, stderr: "" });
  return { DATABASE_URL, server, client: server.client(created.stdout.trim()) };
}

/** Eight times the sessions. More could wait for over a second on a slow machine, and get a 503. */
const concurrentRequests = 32;

it("DATABASE_POOLER: 32 requests at once, 4 sessions → all succeed, ready", async () => {
  const { server, client } = await startDeployment({ RATE_LIMIT_PER_MINUTE: "10000" });
  // The first requests open the connections, which takes some 300 ms.
  await Promise.all(Array.from({ length: 8 }, () => client.GET("/customers")));
  const ids = await Promise.all(
    Array.from({ length: concurrentRequests }, async (_, n) => {
      const body = { email: `buyer${n}@pooled.example`, name: `Buyer ${n}` };
      const { data } = await client.POST("/customers", {
        params: { header: { "Idempotency-Key": body.email } },
        body,
      });
      return data?.data.id as string;
    }),
  );
  expect(new Set(ids).size).toBe(concurrentRequests);
  const rounds = [
    (id: string) => client.GET("/customers/{id}", { params: { path: { id } } }),
    (id: string, n: number) =>
      client.PATCH("/customers/{id}", { params: { path: { id } }, body: { creditLimit: n + 0.1 } }),
    (_id: string, n: number) =>
      client.GET("/customers", { params: { query: { email: `buyer${n}@pooled.example` } } }),
  ];
  const statuses: number[] = [];
  for (const send of rounds)
    statuses.push(...(await Promise.all(ids.map(async (id, n) => (await send(id, n)).response.status))));
  expect(statuses).toHaveLength(3 * concurrentRequests);
  expect(new Set(statuses)).toEqual(new Set([200]));
  expect((await server.fetch("/readyz")).status).toBe(200);
});

it("DATABASE_POOLER: two servers start at once on an empty database → one migration", async () => {
  const DATABASE_URL = await createTemporaryDatabase();
  const servers = await Promise.all(
    [1, 2].map(() => spawnServer({ DATABASE_URL, DATABASE_POOLER, WORKERS: "2" })),
  );
  for (const server of servers) expect((await server.fetch("/readyz")).status).toBe(200);
});

it("DATABASE_POOLER: import needs a session → exit code 1, says what to do", async () => {
  const { DATABASE_URL } = await startDeployment();
  const imported = await runCommand(["import", "package.json", "--company", "acme"], {
    DATABASE_URL,
    DATABASE_POOLER,
  });
  expect(imported.code).toBe(1);
  expect(imported.stderr).toContain("This command needs its own session");
});

it("DATABASE_POOLER: role without a setting → startup names it, and how to set it", async () => {
  const { url, drop } = await createTestDatabase(inject("postgresUrl"));
  onTestFinished(drop);
  const started = await runServer({ DATABASE_URL: url, DATABASE_POOLER });
  expect(started.code).toBe(1);
  // The settings that differ from PostgreSQL's defaults.
  for (const setting of ["statement_timeout = '1500'", "jit = 'off'"])
    expect(started.stdout).toContain(`alter role current_user set ${setting};`);
  expect(started.stdout).not.toContain("extra_float_digits");

  const name = new URL(url).pathname.slice(1);
  for (const setting of ["extra_float_digits = 0", "default_transaction_isolation = 'serializable'"])
    await execute(inject("postgresUrl"), `alter database ${name} set ${setting}`);
  const changed = await runServer({ DATABASE_URL: url, DATABASE_POOLER });
  expect(changed.stdout).toContain("alter role current_user set extra_float_digits = '1';");
  expect(changed.stdout).toContain(
    "alter role current_user set default_transaction_isolation = 'read committed';",
  );
});

it("DATABASE_POOLER: PgBouncer stops → 503 and not ready, as for requests", async () => {
  const postgres = await startPostgres();
  onTestFinished(() => postgres.remove());
  await createPooledRole(postgres.url);
  const pooler = await startPgBouncer(postgres.url);
  const DATABASE_URL = `postgres://postgres@${pooler.host}/postgres`;
  const server = await spawnServer({ DATABASE_URL, DATABASE_POOLER });
  expect((await server.fetch("/readyz")).status).toBe(200);
  await pooler.stop();
  // Probes in quick succession share one check.
  await expect.poll(async () => (await server.fetch("/readyz")).status).toBe(503);
  const init = { headers: { Authorization: `Bearer dk_${"x".repeat(43)}` } };
  expect((await server.fetch("/api/v1/customers", init)).status).toBe(503);
});
