/**
 * What the server's or the role's defaults could change of what is promised: numbers come back as they were
 * written, each statement sees what was committed before it, what was acknowledged is durable, a search finds
 * every match, and no plan waits for a compiler.
 */
import type pg from "pg";
import { SchemaError } from "../errors.ts";

/** Each setting with its value, and what may stay as it is instead. */
const settings: { name: string; value: string; isGood?(value: string): boolean }[] = [
  { name: "extra_float_digits", value: "1", isGood: (value) => Number(value) >= 1 },
  { name: "default_transaction_isolation", value: "read committed" },
  { name: "synchronous_commit", value: "on", isGood: (value) => value !== "off" },
  { name: "gin_fuzzy_search_limit", value: "0" },
  { name: "plan_cache_mode", value: "auto" },
  { name: "jit", value: "off" },
];

/** SQL that makes them those of a session. A level of synchronous_commit above `off` stays as it is. */
export const sessionSettings = settings
  .map(({ name, value }) =>
    name === "synchronous_commit"
      ? `select set_config('${name}', '${value}', false) where current_setting('${name}') = 'off'`
      : `set ${name} = '${value}'`,
  )
  .join("; ");

/**
 * Checks that sessions begin with our settings, where a pooler hands each transaction to any of them: what one client
 * sets would be set for others.
 * @throws {SchemaError} that names each missing setting, and the SQL that makes it one of the role
 */
export async function assertRoleSettings(
  connection: pg.Client,
  statementTimeoutInMilliseconds: number,
): Promise<void> {
  const timeout = String(statementTimeoutInMilliseconds);
  const missing: string[] = [];
  for (const { name, value, isGood = (found: string) => found === value } of [
    // SHOW has a unit, such as 1500ms or 2s.
    {
      name: "statement_timeout",
      value: timeout,
      isGood: (found: string) => inMilliseconds(found) === timeout,
    },
    ...settings,
  ]) {
    const { rows } = await connection.query(`show ${name}`);
    if (!isGood(rows[0][name])) missing.push(`alter role current_user set ${name} = '${value}';`);
  }
  if (missing.length > 0)
    throw new SchemaError(
      `With DATABASE_POOLER=transaction the role's own settings count, and these are missing: ${missing.join(" ")} Then let the pooler reconnect.`,
    );
}

function inMilliseconds(interval: string): string {
  const [, count, unit = "ms"] = /^(\d+)(\w*)$/.exec(interval) ?? [];
  return String(Number(count) * ({ ms: 1, s: 1_000, min: 60_000 }[unit] ?? Number.NaN));
}
