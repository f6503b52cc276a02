import type { Migration } from "../migrate.ts";

/**
 * The counts of the rate limits, which all processes on a PostgreSQL share, in the form of
 * rate-limiter-flexible. Unlogged: they cost no durable write, and a crash may forget them. On SQLite
 * they are in memory.
 */
export const up: Migration["up"] = (schema, dialect) =>
  dialect === "sqlite"
    ? schema
    : schema.raw(
        "create unlogged table rate_limits (key text primary key, points integer not null default 0, expire bigint)",
      );
