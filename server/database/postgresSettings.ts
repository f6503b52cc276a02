/**
 * Session settings that our guarantees depend on, regardless of the defaults of the server or role: numbers are
 * returned as written, each statement sees everything committed before it, acknowledged writes are durable, searches
 * find every match, and no query waits for JIT compilation.
 */
import type pg from "pg";
import { SchemaError } from "../errors.ts";

/** Each setting with its value, and a test of whether another value is acceptable. */
const settings: { name: string; value: string; isGood?(value: string): boolean }[] = [
  { name: "extra_float_digits", value: "1", isGood: (value) => Number(value) >= 1 },
  { name: "default_transaction_isolation", value: "read committed" },
  { name: "synchronous_commit", value: "on", isGood: (value) => value !== "off" },
  { name: "gin_fuzzy_search_limit", value: "0" },
  { name: "plan_cache_mode", value: "auto" },
  { name: "jit", value: "off" },
];

/** SQL that applies them to a session. A synchronous_commit level above `off` is kept. */
export const sessionSettings = settings
  .map(({ name, value }) =>
    name === "synchronous_commit"
      ? `select set_config('${name}', '${value}', false) where current_setting('${name}') = 'off'`
      : `set ${name} = '${value}'`,
  )
  .join("; ");

/**
 * Checks that sessions start with our settings. Behind a pooler in transaction mode, setting them in a session would
 * change them for other clients.
 * @throws {SchemaError} with each missing setting, and the SQL that sets it for the role
 */
export async function assertRoleSettings(
  connection: pg.Client,
  statementTimeoutInMilliseconds: number,
): Promise<void> {
  const timeout = String(statementTimeoutInMilliseconds);
  const missing: string[] = [];
  for (const { name, value, isGood = (found: string) => found === value } of [
    // SHOW returns a value with a unit, such as 1500ms or 2s.
    {
      name: "statement_timeout",
      value: timeout,
      isGood: (found: string) => toMilliseconds(found) === timeout,
    },
    ...settings,
  ]) {
    const { rows } = await connection.query(`show ${name}`);
    if (!isGood(rows[0][name])) missing.push(`alter role current_user set ${name} = '${value}';`);
  }
  if (missing.length > 0)
    throw new SchemaError(
      `DATABASE_POOLER=transaction requires settings of the role, and these are missing: ${missing.join(" ")} Then make the pooler reconnect.`,
    );
}

function toMilliseconds(interval: string): string {
  const [, count, unit = "ms"] = /^(\d+)(\w*)$/.exec(interval) ?? [];
  return String(Number(count) * ({ ms: 1, s: 1_000, min: 60_000 }[unit] ?? Number.NaN));
}
