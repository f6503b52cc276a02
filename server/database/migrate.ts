/**
 * Applies migrations, which are numbered, in order, in one transaction under the caller's lock. The lock of Knex's own
 * migrations is a table, which stays locked after a kill and makes all but one of several starting servers fail (knex
 * issues 1217, 1950, 2502 and 5086).
 */
import type { Knex } from "knex";
import { SchemaError } from "../errors.ts";
import type { Dialect } from "./database.ts";
import type { Migration } from "./migration.ts";
import * as initial from "./migrations/0001_initial.ts";

/** All migrations, oldest first; the number of a migration is its position, counted from 1. Never reordered. */
const migrations: Migration[] = [initial];

/** The number of the newest migration. */
export const newestVersion = migrations.length;

/** The revision of the newest migration, which begins with its date: a clock before that date is wrong. */
export const newestRevision = (migrations.at(-1) as Migration).revision;

/** An applied migration, as recorded in the database. */
export interface AppliedMigration {
  version: number;
  revision?: string;
}

/** The statements on the table of applied migrations. */
export const versionTable = {
  create:
    "create table if not exists migrations (version integer primary key, revision text not null, applied_at text not null)",
  // `*`, because the table of an older schema has no column `revision`.
  readAll: "select * from migrations order by version",
  readNewest: "select coalesce(max(version), 0) as version from migrations",
  /** SQLite: rewrites the newest row unchanged; an update to the same values would write nothing. */
  rewrite:
    "replace into migrations select version, revision, applied_at from migrations order by version desc limit 1 returning version",
};

/**
 * Builds the statements that migrate a database to the newest version, in order.
 * @throws {SchemaError} when its schema is unknown, or newer than this release
 */
export function buildMigrations(knex: Knex, dialect: Dialect, applied: AppliedMigration[]): string[] {
  for (const { version, revision } of applied) {
    const known = migrations[version - 1];
    if (revision === undefined || (known && known.revision !== revision))
      throw new SchemaError(
        "The schema of the database is from before the first release and cannot be migrated. Use a new database: export the customers with the older version and import them with this one.",
      );
  }
  if (applied.length > newestVersion)
    throw new SchemaError(
      `The database is newer than this release: its schema version is ${applied.length}, but this release supports ${newestVersion}. Start the release that migrated it, or restore a backup.`,
    );
  return migrations
    .slice(applied.length)
    .flatMap(({ up, revision }, index) => [
      ...toSql(up(knex.schema, dialect)),
      `insert into migrations (version, revision, applied_at) values (${applied.length + index + 1}, '${revision}', '${new Date().toISOString()}')`,
    ]);
}

/** Returns the SQL statements of a schema builder; Knex's type declares only one. */
export function toSql(schema: Knex.SchemaBuilder): string[] {
  return [schema.toSQL()].flat().map(({ sql }) => sql);
}
