/** The recorded revisions of the schema. */
import { createHash } from "node:crypto";
import Sqlite from "better-sqlite3";
import createKnex from "knex";
import { expect, it, onTestFinished } from "vitest";
import { connectDatabase } from "../../server/database/connect.ts";
import { toSql } from "../../server/database/migrate.ts";
import * as initial from "../../server/database/migrations/0001_initial.ts";
import { SchemaError } from "../../server/errors.ts";
import { createDatabase } from "../support/databases.ts";

it("0001_initial: edited → new revision", () => {
  const hash = createHash("sha256");
  for (const [dialect, client] of [
    ["sqlite", "better-sqlite3"],
    ["postgres", "pg"],
  ] as const) {
    const knex = createKnex({ client, useNullAsDefault: true });
    hash.update(toSql(initial.up(knex.schema, dialect)).join(";\n"));
  }
  // If this fails, give the migration a new revision, and record both here.
  expect([initial.revision, hash.digest("hex").slice(0, 16)]).toMatchInlineSnapshot(`
    [
      "2026-11-26.1",
      "14efe34dcf538e6f",
    ]
  `);
});

it.each([
  ["without revisions", "create table migrations (version integer primary key, applied_at text)", "1, ''"],
  [
    "of another revision",
    "create table migrations (version integer primary key, revision text not null, applied_at text)",
    "1, 'older', ''",
  ],
])("connectDatabase: a schema %s → rejected, unchanged", async (_which, sql, values) => {
  const { url, drop } = await createDatabase("sqlite");
  onTestFinished(drop);
  const file = url.slice("sqlite:".length);
  const connection = new Sqlite(file);
  connection.exec(`${sql}; insert into migrations values (${values})`);
  connection.close();
  const error = await connectDatabase({ url }).catch((thrown) => thrown);
  expect(error).toBeInstanceOf(SchemaError);
  expect(error.message).toMatch(/^The schema of the database is from before the first release/);
  const after = new Sqlite(file, { readonly: true });
  expect(after.prepare("select name from sqlite_schema where type = 'table'").pluck().all()).toEqual([
    "migrations",
  ]);
  after.close();
});
