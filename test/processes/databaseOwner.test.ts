/** SQLite: which files the server adopts as its database, and which it rejects because they belong to another program. */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import SqliteConnection from "better-sqlite3";
import { beforeEach, expect, it, onTestFinished } from "vitest";
import { createCustomersApi } from "../../server/app.ts";
import { createTables, runCommand, runServer } from "../support/processes.ts";
import { temporaryFolder } from "../support/temporaryFolder.ts";

let file: string;
let DATABASE_URL: string;
beforeEach(() => {
  const folder = temporaryFolder();
  onTestFinished(folder.remove);
  file = join(folder.path, "distribu.db");
  DATABASE_URL = `sqlite:${file}`;
});

function execute(sql: string): void {
  const connection = new SqliteConnection(file);
  connection.exec(sql);
  connection.close();
}

const foreign = {
  "tables of Django": "create table django_migrations (id integer primary key, app text, name text)",
  "a table migrations of Laravel":
    "create table migrations (id integer primary key, migration varchar, batch integer); insert into migrations values (1, 'x', 1)",
  "a view only": "create view customers as select 1 as id",
  "an application_id only": "pragma application_id = 252006675",
  "a user_version only": "pragma user_version = 3",
  "WAL mode and a table": "pragma journal_mode = wal; create table customers (id integer primary key)",
};

it.each(Object.entries(foreign))("SQLite: file with %s → an error, nothing written", async (_what, sql) => {
  execute(sql);
  const before = readFileSync(file);
  const message = `Cannot open the database ${file}: it belongs to another program: use a new file`;
  const { code, stdout } = await runServer({ DATABASE_URL });
  expect([code, stdout]).toEqual([1, expect.stringContaining(message)]);
  const list = await runCommand(["keys", "list"], { DATABASE_URL });
  expect(list).toEqual({ code: 1, stdout: "", stderr: `${message}\n` });
  await expect(createCustomersApi({ databaseUrl: DATABASE_URL })).rejects.toThrow("another program");
  expect(readFileSync(file).equals(before)).toBe(true);
});

it("copy: target of another program → an error, nothing written", async () => {
  execute(foreign["tables of Django"]);
  const before = readFileSync(file);
  const source = `sqlite:${join(dirname(file), "source.db")}`;
  await createTables(source);
  const { code, stderr } = await runCommand(["copy", "--from", source, "--to", DATABASE_URL]);
  expect([code, stderr]).toEqual([1, expect.stringContaining("it belongs to another program")]);
  expect(readFileSync(file).equals(before)).toBe(true);
});

it.each([
  ["empty", "vacuum"],
  ["empty again", "create table a (b); drop table a; pragma journal_mode = wal"],
])("SQLite: file of an %s database → ours, with our application_id", async (_what, sql) => {
  execute(sql);
  await createTables(DATABASE_URL);
  const connection = new SqliteConnection(file);
  expect(connection.pragma("application_id", { simple: true })).toBe(0x44_43_55_53);
  connection.close();
});

it("SQLite: ours, restored from a dump without application_id → opened", async () => {
  await createTables(DATABASE_URL);
  execute("pragma application_id = 0");
  await createTables(DATABASE_URL);
});
