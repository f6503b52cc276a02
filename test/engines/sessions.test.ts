/** Our guarantees do not depend on the defaults of SQLite, or of a PostgreSQL server, database or role. */
import { expect, inject, it, onTestFinished } from "vitest";
import { connectDatabase } from "../../server/database/connect.ts";
import { SchemaError } from "../../server/errors.ts";
import { createDatabase } from "../support/databases.ts";
import { execute } from "../support/postgres.ts";
import { startServer } from "../support/server.ts";

/** Creates a database with these options and these defaults; returns its URL. */
async function createDatabaseWith(options: string, defaults: Record<string, string> = {}): Promise<string> {
  const { url, drop } = await createDatabase("postgres");
  onTestFinished(drop);
  const name = new URL(url).pathname.slice(1);
  await execute(inject("postgresUrl"), `drop database ${name}`);
  await execute(inject("postgresUrl"), `create database ${name} template template0 ${options}`);
  for (const [setting, value] of Object.entries(defaults))
    await execute(inject("postgresUrl"), `alter database ${name} set ${setting} = '${value}'`);
  return url;
}

const defaults = {
  extra_float_digits: "0",
  default_transaction_isolation: "serializable",
  synchronous_commit: "off",
  gin_fuzzy_search_limit: "1",
  plan_cache_mode: "force_generic_plan",
  jit: "on",
};

it("sessions: other defaults of the database → our settings on every connection", async () => {
  const server = await startServer({ databaseUrl: await createDatabaseWith("", defaults) });
  onTestFinished(server.stop);
  const { knex, prepare, read } = server.database;
  const names = Object.keys(defaults);
  const settings = prepare<Record<string, string>>(
    knex.select(names.map((name) => knex.raw("current_setting(?) as ??", [name, name]))),
  );
  const sessions = await Promise.all(Array.from({ length: 5 }, () => read(settings, {})));
  for (const [session] of sessions)
    expect(session).toEqual({
      extra_float_digits: "1",
      default_transaction_isolation: "read committed",
      synchronous_commit: "on",
      gin_fuzzy_search_limit: "0",
      plan_cache_mode: "auto",
      jit: "off",
    });
  const partner = await server.partner();
  const created = await partner.send("POST", "/customers", {
    email: "a@x.example",
    creditLimit: 12345.678901234567,
  });
  const { body } = await partner.send("GET", `/customers/${created.body.data.id}`);
  expect(body.data.creditLimit).toBe(12345.678901234567);
});

it("sessions: synchronous_commit other than off → unchanged", async () => {
  const database = await connectDatabase({
    url: await createDatabaseWith("", { synchronous_commit: "local" }),
  });
  onTestFinished(database.close);
  const { knex, prepare, read } = database;
  const rows = await read(
    prepare<{ level: string }>(knex.raw("select current_setting('synchronous_commit') as level")),
    {},
  );
  expect(rows).toEqual([{ level: "local" }]);
});

it.each(["LATIN1", "SQL_ASCII"])(
  "connectDatabase: encoding %s → rejected with a one-line message",
  async (encoding) => {
    const url = await createDatabaseWith(`encoding '${encoding}' locale 'C'`);
    const error = await connectDatabase({ url }).catch((thrown) => thrown);
    expect(error).toBeInstanceOf(SchemaError);
    expect(error.message).toMatch(new RegExp(`^The database's encoding is ${encoding},`));
  },
);

it.each([
  ["locale 'C'", 1],
  ["locale 'C.UTF-8'", 0],
])("connectDatabase: %s → %i warnings about LC_CTYPE", async (locale, count) => {
  const warnings: string[] = [];
  const url = await createDatabaseWith(`encoding 'UTF8' ${locale}`);
  const database = await connectDatabase({ url, warn: (message) => void warnings.push(message) });
  onTestFinished(database.close);
  expect(warnings).toHaveLength(count);
});

it("sessions: SQLite → a commit waits for the disk, keys are enforced", async () => {
  const { url, drop } = await createDatabase("sqlite");
  onTestFinished(drop);
  const { knex, prepare, read, close } = await connectDatabase({ url });
  onTestFinished(close);
  const setting = async (name: string) => {
    const [row] = await read(prepare<Record<string, unknown>>(knex.raw(`select * from pragma_${name}`)), {});
    return Object.values(row ?? {})[0];
  };
  // 2 is FULL: with a write-ahead log, only then does a commit wait for its fsync.
  expect(await setting("synchronous")).toBe(2);
  expect(await setting("journal_mode")).toBe("wal");
  expect(await setting("foreign_keys")).toBe(1);
});
