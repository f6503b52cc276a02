/** The operator's commands. Results go to standard output, everything else to standard error. */
import { parseArgs } from "node:util";
import type { Scope } from "../generated/messages.ts";
import { type ApiKeys, createApiKeys } from "./apiKeys.ts";
import { ConfigError, readConfig } from "./config.ts";
import { scopes as knownScopes } from "./contract.ts";
import { connectDatabase, type Database } from "./database/connect.ts";

/** Wrong arguments: one line for the operator, and exit code 2. */
class UsageError extends Error {}

type Values = Record<string, string | boolean | undefined>;

interface Command {
  usage: string;
  help: string;
  options: Record<string, { type: "string" | "boolean" }>;
  /** How many arguments it takes beside its options. */
  takes: number;
  run(values: Values, argument: string): (database: Database) => Promise<void>;
}

const commands: Record<string, Record<string, Command>> = {
  keys: {
    create: {
      usage: "keys create --company <slug> --scopes <scope,...> [--name <name>] [--expires <time>]",
      help: `Makes an API key, and the company when it is new. Prints the key, which is shown only now.

  --company  the company's slug, 1 to 100 characters without spaces
  --scopes   ${knownScopes.join(", ")}; several are joined by commas
  --name     what the key is for, up to 100 characters
  --expires  when it ends, as in 2027-01-01T00:00:00Z; never, if not given`,
      options: {
        company: { type: "string" },
        scopes: { type: "string" },
        name: { type: "string" },
        expires: { type: "string" },
      },
      takes: 0,
      run(values) {
        const company = required(values, "company");
        if (!/^[^\s\p{C}]{1,100}$/u.test(company))
          throw new UsageError("--company takes 1 to 100 characters without spaces");
        const scopes = scopesOf(required(values, "scopes"));
        const name = String(values.name ?? "");
        if (!/^\P{C}{0,100}$/u.test(name)) throw new UsageError("--name takes up to 100 characters");
        const expiresAt = values.expires === undefined ? null : timeOf(String(values.expires));
        return async (database) => {
          console.log(await createApiKeys(database).create(company, scopes, name, expiresAt));
        };
      },
    },
    list: {
      usage: "keys list",
      help: "Lists all API keys, the oldest first. The time of last use is kept to the minute.",
      options: {},
      takes: 0,
      run: () => async (database) => printKeys(await createApiKeys(database).list()),
    },
    revoke: {
      usage: "keys revoke <prefix or id>",
      help: "Ends an API key: its next use is refused. Takes the prefix or the id that the list shows.",
      options: {},
      takes: 1,
      run: (_values, name) => async (database) => {
        const apiKeys = createApiKeys(database);
        const found = (await apiKeys.list()).filter(({ id, prefix }) => id === name || prefix === name);
        if (found.length > 1)
          throw new UsageError(`${name} is the prefix of ${found.length} keys; give the id`);
        if (!found[0]) throw new UsageError(`No key has the prefix or id ${name}`);
        await apiKeys.revoke(found[0].id);
        console.error(`Revoked ${found[0].prefix} (${found[0].company}).`);
      },
    },
  },
};

try {
  await main(process.argv.slice(2));
} catch (error) {
  const isOurs = error instanceof UsageError || error instanceof ConfigError;
  console.error(isOurs ? error.message : `Failed: ${(error as Error).message}`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}

async function main([group = "", ...rest]: string[]): Promise<void> {
  if (group === "--help" || group === "-h") return console.log(usagesOf(...Object.values(commands)));
  const members = Object.hasOwn(commands, group) ? commands[group] : undefined;
  if (!members)
    throw new UsageError(
      `Unknown command ${group || "(none)"}; there are: ${Object.keys(commands).join(", ")}`,
    );
  const [name = "", ...words] = rest;
  const command = Object.hasOwn(members, name) ? members[name] : undefined;
  if (!command && (name === "--help" || name === "-h")) {
    return console.log(usagesOf(members));
  }
  if (!command)
    throw new UsageError(
      `Unknown command ${group} ${name || "(none)"}; there are: ${Object.keys(members).join(", ")}`,
    );
  const { values, positionals } = parsed(command, words);
  if (values.help) return console.log(`Usage: ${command.usage}\n\n${command.help}`);
  if (positionals.length !== command.takes) throw new UsageError(`Usage: ${command.usage}`);

  const run = command.run(values, positionals[0] ?? "");
  const database = await connectDatabase(readConfig(process.env).databaseUrl);
  await run(database).finally(() => database.close());
}

/** How each command is used, a line for each. */
function usagesOf(...groups: Record<string, Command>[]): string {
  return groups
    .flatMap((members) => Object.values(members))
    .map(({ usage }) => `Usage: ${usage}`)
    .join("\n");
}

function parsed(command: Command, args: string[]): { values: Values; positionals: string[] } {
  try {
    const options = {
      ...command.options,
      help: { type: "boolean", short: "h" },
    } as const;
    return parseArgs({ args, options, allowPositionals: true }) as {
      values: Values;
      positionals: string[];
    };
  } catch (error) {
    // Node explains at length; its first sentence says what is wrong.
    throw new UsageError(`${(error as Error).message.split(/\.\s/)[0]}. Usage: ${command.usage}`);
  }
}

function required(values: Values, name: string): string {
  const value = values[name];
  if (typeof value !== "string" || value === "") throw new UsageError(`--${name} is required`);
  return value;
}

function scopesOf(text: string): Scope[] {
  const given = [...new Set(text.split(","))];
  const unknown = given.find((scope) => !(knownScopes as string[]).includes(scope));
  if (unknown !== undefined)
    throw new UsageError(`Unknown scope ${unknown || "(empty)"}; there are: ${knownScopes.join(", ")}`);
  return given as Scope[];
}

/** Milliseconds since 1970. */
function timeOf(text: string): number {
  const isTime = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d))?$/.test(text);
  const time = isTime ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(time))
    throw new UsageError(`--expires takes a time with its zone, as in 2027-01-01T00:00:00Z, not ${text}`);
  return time;
}

function printKeys(keys: Awaited<ReturnType<ApiKeys["list"]>>): void {
  const day = (time: number | null) => (time === null ? "never" : new Date(time).toISOString());
  const rows = [
    ["PREFIX", "COMPANY", "NAME", "SCOPES", "CREATED", "LAST USED", "STATUS", "ID"],
    ...keys.map((key) => [
      key.prefix,
      key.company,
      key.name || "-",
      key.scopes.join(","),
      day(key.createdAt),
      day(key.lastUsedAt),
      key.status,
      key.id,
    ]),
  ];
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  for (const row of rows)
    console.log(
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    );
}
