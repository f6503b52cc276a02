/** Migrations: numbered, applied in order, all of them in one transaction under the caller's lock. */
import type { Knex } from "knex";
import * as customers from "./migrations/0001_customers.ts";
import * as search from "./migrations/0002_search.ts";
import * as rateLimits from "./migrations/0003_rate_limits.ts";
import * as audit from "./migrations/0004_audit.ts";
import * as searchEras from "./migrations/0005_search_eras.ts";

/** The engines that there are. */
export type Dialect = "sqlite" | "postgres";

/** One step of the schema, as what Knex builds for the dialect at hand. */
export interface Migration {
  up(schema: Knex.SchemaBuilder, dialect: Dialect): Knex.SchemaBuilder;
}

/** Every migration, the oldest first; its number is its place, counted from 1. Never reordered. */
const migrations: Migration[] = [customers, search, rateLimits, audit, searchEras];

/** The number of the newest migration. */
export const newestVersion = migrations.length;

/** The statements that make and fill the table of the applied migrations. */
export const versionTable = {
  create: "create table if not exists migrations (version integer primary key, applied_at text not null)",
  read: "select coalesce(max(version), 0) as version from migrations",
  /** SQLite: writes the newest row as it is; an update to the same values would write nothing. */
  rewrite:
    "replace into migrations select version, applied_at from migrations order by version desc limit 1 returning version",
};

/** The statements that bring a database of `version` to the newest, in order. */
export function pendingStatements(knex: Knex, dialect: Dialect, version: number): string[] {
  return migrations
    .slice(version)
    .flatMap((migration, index) => [
      ...(migration.up(knex.schema, dialect).toSQL() as unknown as { sql: string }[]).map(({ sql }) => sql),
      `insert into migrations (version, applied_at) values (${version + index + 1}, '${new Date().toISOString()}')`,
    ]);
}
