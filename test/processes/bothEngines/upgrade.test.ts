/**
 * Two releases on one database, concurrently and in either order: this one, and a made-up next one with one more
 * migration.
 */
import { once } from "node:events";
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import Sqlite from "better-sqlite3";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";
import type { CustomersClient } from "../../../client/index.ts";
import { newestVersion } from "../../../server/database/migrate.ts";
import { createTemporaryDatabase } from "../../support/databases.ts";
import {
  createKeyByCommand,
  type LaunchedServer,
  launchServer,
  runCommand,
  runServer,
  type SpawnedServer,
  spawnServer,
} from "../../support/processes.ts";
import { startServer } from "../../support/server.ts";
import { temporaryFolder } from "../../support/temporaryFolder.ts";

// Many processes are started, and those of the next release are compiled as they start.
vi.setConfig({ testTimeout: 180_000 });

const withTsx = { NODE_OPTIONS: "--import tsx" };

/** A migration of a later release: a column that this release does not know, and an index. */
const nextMigration = `import type { Migration } from "../migration.ts";

export const revision = "made up";

export const up: Migration["up"] = (schema, dialect) =>
  schema
    .alterTable("customers", (table) => {
      table.text("of_next_release");
    })
    .raw(
      dialect === "sqlite"
        ? "create index next_release on customers (company_id, name)"
        : "create index next_release on customers using gin ((email || coalesce(folded_name, '')) gin_trgm_ops)",
    );
`;

/** The folder of the next release: this one with one more migration. */
const next = temporaryFolder();
afterAll(next.remove);
beforeAll(() => {
  for (const folder of ["server", "generated", "openapi", "client"])
    cpSync(folder, join(next.path, folder), {
      recursive: true,
      filter: (path) => !/node_modules|[/\\]dist$/.test(path),
    });
  for (const file of ["package.json", "tsconfig.json"]) cpSync(file, join(next.path, file));
  const migrate = join(next.path, "server/database/migrate.ts");
  const text = readFileSync(migrate, "utf8");
  const changed = text
    .replace("= [initial];", "= [initial, next];")
    .replace(
      "import * as initial",
      'import * as next from "./migrations/0002_next.ts";\nimport * as initial',
    );
  expect(changed).toContain("= [initial, next];");
  writeFileSync(migrate, changed);
  writeFileSync(join(next.path, "server/database/migrations/0002_next.ts"), nextMigration);
  symlinkSync(resolve("node_modules"), join(next.path, "node_modules"));
  mkdirSync(join(next.path, "dist"), { recursive: true });
});

/** Starts a server of the next release, which migrates the database. */
function spawnNext(DATABASE_URL: string): Promise<SpawnedServer> {
  return spawnServer({ DATABASE_URL, ...withTsx }, join(next.path, "server/main.ts"));
}

/** Starts a server of the next release without waiting for it. */
function launchNext(DATABASE_URL: string, environment: Record<string, string> = withTsx): LaunchedServer {
  return launchServer({ DATABASE_URL, ...environment }, join(next.path, "server/main.ts"));
}

/** Creates a database of this release with this many customers; also returns a key. */
async function createCurrentDatabase(customers: number): Promise<{ DATABASE_URL: string; key: string }> {
  const DATABASE_URL = await createTemporaryDatabase();
  const key = await createKeyByCommand(DATABASE_URL);
  const folder = temporaryFolder();
  onTestFinished(folder.remove);
  const file = join(folder.path, "customers.csv");
  const rows = Array.from({ length: customers }, (_, n) => `buyer${n}@upgraded.example,Buyer ${n}`);
  writeFileSync(file, ["email,name", ...rows].join("\n"));
  const imported = await runCommand(["import", file, "--company", "acme"], { DATABASE_URL });
  expect(imported.code, imported.stderr).toBe(0);
  expect(await listVersions(DATABASE_URL)).toEqual(versions);
  return { DATABASE_URL, key };
}

const versions = Array.from({ length: newestVersion }, (_, index) => index + 1);
const nextVersions = [...versions, newestVersion + 1];

/** Runs a query on its own connection; returns the rows. */
async function query(databaseUrl: string, sql: string): Promise<Record<string, unknown>[]> {
  if (databaseUrl.startsWith("sqlite:")) {
    const connection = new Sqlite(databaseUrl.slice("sqlite:".length));
    const statement = connection.prepare(sql);
    const rows = statement.reader ? statement.all() : [statement.run()];
    connection.close();
    return rows as Record<string, unknown>[];
  }
  const connection = new pg.Client(databaseUrl);
  await connection.connect();
  return (await connection.query(sql).finally(() => connection.end())).rows;
}

/** Lists the applied migrations of a database, in order. */
async function listVersions(databaseUrl: string): Promise<unknown[]> {
  const rows = await query(databaseUrl, "select version from migrations order by version");
  return rows.map(({ version }) => version);
}

async function countRows(databaseUrl: string, table: string): Promise<number> {
  const [row] = await query(databaseUrl, `select count(*) as count from ${table}`);
  return Number(row?.count);
}

async function create(client: CustomersClient, email: string): Promise<string> {
  const { data } = await client.POST("/customers", {
    params: { header: { "Idempotency-Key": email } },
    body: { email },
  });
  if (!data) throw new Error(`${email} was not created`);
  return data.data.id;
}

/** Performs each operation once; each response must be a success. */
async function useAll(client: CustomersClient, email: string): Promise<string> {
  const id = await create(client, email);
  const path = { id };
  // A repeated create: the response is replayed.
  expect(await create(client, email)).toBe(id);
  const responses = [
    await client.PATCH("/customers/{id}", { params: { path }, body: { notes: email } }),
    await client.GET("/customers/{id}", { params: { path } }),
    await client.GET("/customers", { params: { query: { limit: 2, status: "ACTIVE" } } }),
    await client.GET("/customers", { params: { query: { search: email } } }),
  ];
  expect(responses.map(({ response }) => response.status)).toEqual([200, 200, 200, 200]);
  expect(responses[1]?.data).toMatchObject({ data: { email, notes: email } });
  expect(responses[3]?.data).toMatchObject({ data: [{ id }] });
  return id;
}

describe("next release", () => {
  it("next release: migrates while this one runs → same data", async () => {
    const { DATABASE_URL, key } = await createCurrentDatabase(200);
    const old = await spawnServer({ DATABASE_URL });
    const made: string[] = [];
    let isOver = false;
    // Requests during the migration: every response is a success.
    const client = old.client(key);
    const load = (async () => {
      while (!isOver) made.push(await useAll(client, `old${made.length}@upgrade.example`));
    })();
    await expect.poll(() => made.length, { timeout: 60_000 }).toBeGreaterThan(5);
    const newer = await spawnNext(DATABASE_URL);
    expect(await listVersions(DATABASE_URL)).toEqual(nextVersions);
    const whenMigrated = made.length;
    const newerClient = newer.client(key);
    const madeByNewer: string[] = [];
    for (let n = 0; n < 20; n++) madeByNewer.push(await useAll(newerClient, `new${n}@upgrade.example`));
    await expect.poll(() => made.length, { timeout: 60_000 }).toBeGreaterThan(whenMigrated + 20);
    isOver = true;
    await load;

    for (const [reader, ids] of [
      [client, madeByNewer],
      [newerClient, made],
    ] as const) {
      for (const id of ids) {
        const params = { path: { id } };
        const { response } = await reader.PATCH("/customers/{id}", { params, body: { name: "Seen" } });
        expect(response.status).toBe(200);
      }
    }
    for (const server of [old, newer]) expect((await server.fetch("/readyz")).status).toBe(200);
  });

  it("next release: this one started on its schema → a clear error, data unchanged", async () => {
    const { DATABASE_URL, key } = await createCurrentDatabase(10);
    const ids: string[] = [];
    for (const name of ["first", "again"]) {
      const server = await spawnNext(DATABASE_URL);
      expect((await server.fetch("/readyz")).status).toBe(200);
      const client = server.client(key);
      ids.push(await useAll(client, `${name}@upgrade.example`));
      const { data } = await client.GET("/customers", { params: { query: { limit: 100 } } });
      const listed = data?.data.map(({ id }) => id);
      expect(listed).toEqual(expect.arrayContaining(ids));
      expect(listed).toHaveLength(10 + ids.length);
      server.process.kill("SIGTERM");
      expect(await server.exited).toBe(0);
      const { code, stdout } = await runServer({ DATABASE_URL });
      expect([code, stdout.includes("The database is newer than this release")]).toEqual([1, true]);
      expect(await listVersions(DATABASE_URL)).toEqual(nextVersions);
    }
  });
});

it("migrations: six servers start at once → applied once, all ready", async () => {
  const { DATABASE_URL, key } = await createCurrentDatabase(1_000);
  const servers = await Promise.all(Array.from({ length: 6 }, () => spawnNext(DATABASE_URL)));
  expect(await listVersions(DATABASE_URL)).toEqual(nextVersions);
  for (const [index, server] of servers.entries()) {
    expect((await server.fetch("/readyz")).status).toBe(200);
    await useAll(server.client(key), `${index}@upgrade.example`);
  }
  expect(await countRows(DATABASE_URL, "customers")).toBe(1_006);
});

it("migrations: killed before any statement → unchanged, next start migrates", async () => {
  const customers = 2_000;
  const { DATABASE_URL, key } = await createCurrentDatabase(customers);
  const killed: number[] = [];
  for (let statement = 1; ; statement++) {
    const server = launchNext(DATABASE_URL, {
      NODE_OPTIONS: `${withTsx.NODE_OPTIONS} --import ${resolve("test/support/killedMidway.mjs")}`,
      KILL_BEFORE: String(statement),
    });
    const ended = await Promise.race([server.exited, server.listening().catch(() => server.exited)]);
    if (ended !== "SIGKILL") break;
    killed.push(statement);
    // Either none of it is applied or, after the commit, all of it.
    const applied = (await listVersions(DATABASE_URL)).length;
    if (applied === nextVersions.length) break;
    expect(applied).toBe(versions.length);
    expect(await countRows(DATABASE_URL, "customers")).toBe(customers);
  }
  // A migration without statements for an engine is still recorded, and committed.
  expect(killed.length).toBeGreaterThan(1);
  const server = await spawnNext(DATABASE_URL);
  expect(await listVersions(DATABASE_URL)).toEqual(nextVersions);
  await useAll(server.client(key), "after@upgrade.example");
  expect(await countRows(DATABASE_URL, "customers")).toBe(customers + 1);
});

// On SQLite no statement of a migration takes long.
if (process.env.TEST_ENGINE === "postgres")
  it("migrations: killed while PostgreSQL builds an index → unchanged", async () => {
    const { DATABASE_URL, key } = await createCurrentDatabase(0);
    await query(
      DATABASE_URL,
      // IDs like those of the server, a millisecond apart.
      `insert into customers (company_id, id, email, name, folded_name, status, email_verified, updated_at)
       select companies.id,
         (lpad(to_hex(1700000000000 + n), 12, '0') || '7' || left(md5(n::text), 3) || '8' || left(md5(n::text), 15))::uuid,
         'buyer' || n || '@upgraded.example', md5(n::text), md5(n::text), 'ACTIVE', false, 1700000000000 + n
       from companies, generate_series(1, 30000) n`,
    );

    const server = launchNext(DATABASE_URL);
    const indexing =
      "select 1 from pg_stat_activity where datname = current_database() and state = 'active' and query like 'create index next_release%'";
    await expect.poll(() => query(DATABASE_URL, indexing), { timeout: 60_000, interval: 20 }).toHaveLength(1);
    server.process.kill("SIGKILL");
    await once(server.process, "exit");
    expect(await listVersions(DATABASE_URL)).toEqual(versions);

    const migrated = await spawnNext(DATABASE_URL);
    expect(await listVersions(DATABASE_URL)).toEqual(nextVersions);
    expect(await countRows(DATABASE_URL, "customers")).toBe(30_000);
    await useAll(migrated.client(key), "after@upgrade.example");
  });

it("migrations: a later one adds a column → running servers keep working", async () => {
  const server = await startServer();
  onTestFinished(() => server.stop());
  const client = await server.client();
  await useAll(client, "before@upgrade.example");
  for (const table of ["companies", "api_keys", "customers", "idempotency_keys"])
    await query(server.databaseUrl, `alter table ${table} add column of_later text`);
  for (let n = 0; n < 12; n++) await useAll(client, `${n}@upgrade.example`);
});
