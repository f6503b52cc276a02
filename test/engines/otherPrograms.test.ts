/** Other programs write to the tables: the search follows, and constraints enforce what it depends on. */
import { execFileSync } from "node:child_process";
import Sqlite from "better-sqlite3";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { toPosition } from "../../server/customerIds.ts";
import { createDatabase } from "../support/databases.ts";
import type { Partner } from "../support/partner.ts";
import { startServer, type TestServer } from "../support/server.ts";

/** Runs SQL as another program does. */
type RunSql = (sql: string) => Promise<void>;

const id = "019ab3f2-7c00-7d3a-9b52-3f6f1f0f6a11";
const createdAt = 0x019ab3f27c00;

/** Runs SQL through Debian's own sqlite3, which is older than ours. */
function runInShell(file: string): RunSql {
  return async (sql) => {
    execFileSync("sqlite3", ["-bail", file], { input: `pragma foreign_keys = on; ${sql};`, stdio: "pipe" });
  };
}

function runOnConnection(file: string): RunSql {
  return async (sql) => {
    const connection = new Sqlite(file);
    try {
      connection.exec(sql);
    } finally {
      connection.close();
    }
  };
}

function runOnPostgres(url: string): RunSql {
  return async (sql) => {
    const client = new pg.Client(url);
    await client.connect();
    await client.query(sql).finally(() => client.end());
  };
}

describe.each([
  { program: "the sqlite3 shell", engine: "sqlite", create: runInShell },
  { program: "a connection of its own to SQLite", engine: "sqlite", create: runOnConnection },
  { program: "a connection of its own to PostgreSQL", engine: "postgres", create: runOnPostgres },
])("$program", ({ engine, create }) => {
  let server: TestServer;
  let partner: Partner;
  let run: RunSql;
  let drop: () => Promise<void>;
  beforeAll(async () => {
    const database = await createDatabase(engine);
    drop = database.drop;
    server = await startServer({ databaseUrl: database.url });
    partner = await server.partner({ company: "acme" });
    run = create(database.url.replace(/^sqlite:/, ""));
    for (const name of ["a", "b", "c", "d"])
      await partner.send("POST", "/customers", { email: `${name}@own.example`, name });
  });
  afterAll(async () => {
    await server?.stop();
    await drop?.();
  });

  const isSqlite = engine === "sqlite";
  /** Builds an insert with these values in place of valid ones. */
  function buildInsert(values: Record<string, string> = {}): string {
    const row: Record<string, string> = {
      company_id: "(select id from companies where slug = 'acme')",
      id: `'${id}'`,
      email: "'other@x.example'",
      name: "'Other Ünit'",
      folded_name: "'other ünit'",
      status: "'ACTIVE'",
      email_verified: "false",
      updated_at: String(createdAt),
      ...(isSqlite && { position: String(toPosition(id)) }),
      ...values,
    };
    return `insert into customers (${Object.keys(row).join()}) values (${Object.values(row).join()})`;
  }
  const find = async (term: string) =>
    (await partner.send("GET", `/customers?search=${encodeURIComponent(term)}`)).body.data.map(
      ({ email }: { email: string }) => email,
    );

  it("other programs: insert, update, delete → search follows, index intact", async () => {
    await run(buildInsert());
    expect(await find("ünit")).toEqual(["other@x.example"]);
    const { headers } = await partner.send("GET", `/customers/${id}`);
    await run(
      `update customers set name = 'New', folded_name = 'new', status = 'BLOCKED', updated_at = updated_at + 1 where id = '${id}'`,
    );
    expect(await find("ünit")).toEqual([]);
    expect(await find("ne")).toEqual(["other@x.example"]);
    const changed = await partner.send("GET", `/customers/${id}`);
    expect(changed.body.data).toMatchObject({ name: "New", status: "BLOCKED" });
    expect(changed.headers.get("ETag")).not.toBe(headers.get("ETag"));
    const { body } = await partner.send("GET", "/customers?search=new&status=BLOCKED");
    expect(body.data).toHaveLength(1);
    await run(`delete from customers where id = '${id}'`);
    expect(await find("ne")).toEqual([]);
    if (isSqlite) await run("insert into customers_search (customers_search) values ('integrity-check')");
  });

  it("other programs: changed_by set → an audit entry that names the fields", async () => {
    await run(buildInsert({ changed_by: "'dashboard'" }));
    await run(
      `update customers set name = 'New', folded_name = 'new', notes = 'x', changed_by = 'dashboard', updated_at = updated_at + 1 where id = '${id}'`,
    );
    const { knex, prepare, read } = server.database;
    const rows = await read(
      prepare<{ by: string; fields: string | null }>(
        knex("audit_entries")
          .where("customer_id", id)
          .select({ by: "changed_by", fields: "changed_fields" })
          .orderBy("changed_at"),
      ),
      {},
    );
    expect(rows).toEqual([
      { by: "dashboard", fields: null },
      { by: "dashboard", fields: "name,notes" },
    ]);
    await run(`delete from customers where id = '${id}'`);
  });

  it.each<[string, Record<string, string>]>([
    ["an id that is no UUIDv7", { id: "'019ab3f2-7c00-4d3a-9b52-3f6f1f0f6a11'" }],
    ["an email in upper case", { email: "'Other@x.example'" }],
    ["an empty email", { email: "''" }],
    ["a name without its folded name", { folded_name: "null" }],
    ["a folded name in upper case", { folded_name: "'OTHER'" }],
    ["a status that is none", { status: "'active'" }],
    ["a time of change before that of creation", { updated_at: "0" }],
    ...(isSqlite
      ? ([
          ["a position of another time", { position: String(toPosition(id) + 32_768n) }],
          ["a position of another count", { position: String(toPosition(id) + 1n) }],
          ["an ID in upper case", { id: `'${id.toUpperCase()}'` }],
          ["a verification that is no boolean", { email_verified: "2" }],
        ] satisfies [string, Record<string, string>][])
      : []),
  ])("other programs: insert %s → rejected", async (_what, values) => {
    await expect(run(buildInsert(values))).rejects.toThrow(/constraint/i);
  });
});
