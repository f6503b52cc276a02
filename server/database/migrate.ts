/**
 * Applies migrations: numbered, in order, all of them in one transaction under the caller's lock. Knex's own
 * migrations keep a lock in a table: it stays after a kill, and of servers that start at once all but one fail
 * (knex issues 1217, 1950, 2502 and 5086).
 */
import type { Knex } from "knex";
import { SchemaError } from "../errors.ts";
import type { Dialect } from "./database.ts";
import type { Migration } from "./migration.ts";
import * as initial from "./migrations/0001_initial.ts";

/** Every migration, the oldest first; its number is its place, counted from 1. Never reordered. */
const migrations: Migration[] = [initial];

/** The number of the newest migration. */
export const newestVersion = migrations.length;

/** The day on which the newest migration was written: a clock before it is wrong. */
export const newestRevision = (migrations.at(-1) as Migration).revision;

/** An applied migration, as the database records it. */
export interface AppliedMigration {
  version: number;
  revision?: string;
}

/** The statements on the table of the applied migrations. */
export const versionTable = {
  create:
    "create table if not exists migrations (version integer primary key, revision text not null, applied_at text not null)",
  // By `*`, as the table of an older schema has no revision.
  readAll: "select * from migrations order by version",
  readNewest: "select coalesce(max(version), 0) as version from migrations",
  /** SQLite: writes the newest row as it is; an update to the same values would write nothing. */
  rewrite:
    "replace into migrations select version, revision, applied_at from migrations order by version desc limit 1 returning version",
};

/**
 * The statements that bring a database to the newest version, in order.
 * @throws {SchemaError} when its schema is another one, or newer than this version
 */
export function buildMigrations(knex: Knex, dialect: Dialect, applied: AppliedMigration[]): string[] {
  for (const { version, revision } of applied) {
    const known = migrations[version - 1];
    if (revision === undefined || (known && known.revision !== revision))
      throw new SchemaError(
        "The database has the schema of an older version from before the first release, which is not migrated. Use a new database: export the customers with the older version and import them with this one.",
      );
  }
  if (applied.length > newestVersion)
    throw new SchemaError(
      `The database is newer than this version: its schema is ${applied.length}, this version knows ${newestVersion}. Start the version that migrated it, or restore a backup.`,
    );
  return migrations
    .slice(applied.length)
    .flatMap(({ up, revision }, index) => [
      ...toSql(up(knex.schema, dialect)),
      `insert into migrations (version, revision, applied_at) values (${applied.length + index + 1}, '${revision}', '${new Date().toISOString()}')`,
    ]);
}

/** The SQL of a schema builder; Knex types the statements of a schema as one. */
export function toSql(schema: Knex.SchemaBuilder): string[] {
  return [schema.toSQL()].flat().map(({ sql }) => sql);
}
