/** The operator's commands. Results go to standard output, everything else to standard error. */
import "./requireNode.ts";
import { existsSync } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { parseArgs } from "node:util";
import type { Scope } from "../generated/messages.ts";
import { type ApiKeys, createApiKeys } from "./apiKeys.ts";
import { csvColumns } from "./commands/csv.ts";
import { ConfigError, readConfig } from "./config.ts";
import { scopes as knownScopes } from "./contract.ts";
import { isCustomerId } from "./customerIds.ts";
import { connectDatabase, parseSqliteUrl } from "./database/connect.ts";
import type { Database } from "./database/database.ts";
import { named } from "./database/statement.ts";
import { CommandError } from "./errors.ts";

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
  /** Whether it works on the database of DATABASE_URL; it does unless it says no. */
  opensDatabase?: false;
}

/** The commands by their names; those of `keys` have two words. */
const commands: Record<string, Command | Record<string, Command>> = {
  import: {
    usage: "import <file.csv> --company <slug> [--dry-run]",
    help: `Creates and updates customers from a CSV file, matched by email: all of them, or none where a row is bad.

Columns, in any order, of which only email is required: ${csvColumns.join(", ")}.
An empty cell clears; an absent column, and an empty status, leave what there is.

  --company  the company's slug; keys create makes a company
  --dry-run  only check and count`,
    options: { company: { type: "string" }, "dry-run": { type: "boolean" } },
    takes: 1,
    run(values, file) {
      const company = required(values, "company");
      if (!existsSync(file)) throw new UsageError(`There is no file ${file}`);
      return async (database) => {
        // Each command is loaded when it is called for: the check of an import takes most of the time.
        const { importCustomers } = await import("./commands/import.ts");
        const companyId = await companyIdOf(database, company);
        const isDryRun = values["dry-run"] === true;
        const result = await importCustomers(database, companyId, file, { isDryRun, report: console.error });
        if (result.bad > 0) {
          console.error(`${result.bad} of ${result.rows} rows are bad; nothing was written.`);
          process.exitCode = 1;
          return;
        }
        console.log(
          `${result.created} created, ${result.updated} updated, ${result.unchanged} unchanged${isDryRun ? " (dry run: nothing was written)" : ""}`,
        );
      };
    },
  },
  export: {
    usage: "export --company <slug>",
    help: `Writes the customers of a company to standard output as CSV, the oldest first; import reads it back.
A text that a spreadsheet would run as a formula gets an apostrophe, which import takes away.

  --company  the company's slug`,
    options: { company: { type: "string" } },
    takes: 0,
    run(values) {
      const company = required(values, "company");
      return async (database) => {
        const { exportCustomers } = await import("./commands/export.ts");
        await exportCustomers(database, await companyIdOf(database, company), process.stdout);
      };
    },
  },
  copy: {
    usage: "copy --from <database url> --to <database url>",
    help: `Copies a database, keys and all, into an empty one, as from SQLite to PostgreSQL, and compares counts and
checksums. Stop the servers first: what they write afterwards is not copied.`,
    options: { from: { type: "string" }, to: { type: "string" } },
    takes: 0,
    run(values) {
      const [from, to] = [required(values, "from"), required(values, "to")];
      return async () => {
        const file = parseSqliteUrl(from);
        if (file !== undefined && !existsSync(file)) throw new CommandError(`There is no database ${file}`);
        const source = await connectDatabase({ url: from });
        const target = await connectDatabase({ url: to });
        const { copyDatabase } = await import("./commands/copy.ts");
        const copied = await copyDatabase(source, target).finally(() =>
          Promise.all([source.close(), target.close()]),
        );
        for (const { table, rows, checksum } of copied)
          console.log(`${table}: ${rows} rows, SHA-256 ${checksum} on both`);
      };
    },
    opensDatabase: false,
  },
  backup: {
    usage: "backup <file>",
    help: `Copies the SQLite database of DATABASE_URL to a new file, while servers run: the state of one moment, checked.
To restore, stop the servers, and put the file in the place of the database, without its -wal and -shm.
PostgreSQL has pg_dump.`,
    options: {},
    takes: 1,
    run: (_values, target) => async () => {
      const { url } = readConfig(process.env).database;
      const source = parseSqliteUrl(url);
      if (source === undefined || source === ":memory:")
        throw new UsageError("DATABASE_URL names no SQLite file; PostgreSQL is backed up by pg_dump");
      const { backUp } = await import("./commands/backup.ts");
      backUp(source, target);
      console.error(`Backed up ${source} to ${target}.`);
    },
    opensDatabase: false,
  },
  audit: {
    usage: "audit --company <slug> [--customer <id>] [--since <time>] [--json]",
    help: `Lists who created and changed the customers of a company, when, and in which fields, the oldest first.
The values are not kept: they are personal data, and the latest are those of the customer.

  --company   the company's slug
  --customer  only the entries of this customer
  --since     only the entries of this time or later, as in 2027-01-01T00:00:00Z
  --json      a JSON object a line`,
    options: {
      company: { type: "string" },
      customer: { type: "string" },
      since: { type: "string" },
      json: { type: "boolean" },
    },
    takes: 0,
    run(values) {
      const company = required(values, "company");
      const customerId = values.customer as string | undefined;
      if (customerId !== undefined && !isCustomerId(customerId))
        throw new UsageError(`--customer takes the id of a customer, not ${customerId}`);
      const since = values.since === undefined ? 0 : timeOf("since", String(values.since));
      return async (database) => {
        const { listAudit } = await import("./commands/audit.ts");
        const filter = { companyId: await companyIdOf(database, company), customerId, since };
        const lines = Readable.from(listAudit(database, filter, values.json === true));
        // Standard output stays open for those who end the process.
        await pipeline(lines, process.stdout, { end: false });
      };
    },
  },
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
        const expiresAt = values.expires === undefined ? null : timeOf("expires", String(values.expires));
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
        // Not what was given, which may be a whole key that somebody took for its prefix.
        if (!found[0]) throw new UsageError("No key has this prefix or id; the list shows both");
        await apiKeys.revoke(found[0].id);
        console.error(`Revoked ${found[0].prefix} (${found[0].company}).`);
      },
    },
  },
};

try {
  await main(process.argv.slice(2));
} catch (error) {
  const isOurs = [UsageError, ConfigError, CommandError].some((kind) => error instanceof kind);
  console.error(isOurs ? (error as Error).message : `Failed: ${(error as Error).message}`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}

async function main([name = "", ...rest]: string[]): Promise<void> {
  if (name === "--help" || name === "-h") return printUsages(Object.values(commands));
  const found = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (!found)
    throw new UsageError(
      `Unknown command ${name || "(none)"}; there are: ${Object.keys(commands).join(", ")}`,
    );
  if (isCommand(found)) return execute(found, rest);

  const [member = "", ...words] = rest;
  const command = Object.hasOwn(found, member) ? found[member] : undefined;
  if (command) return execute(command, words);
  if (member !== "--help" && member !== "-h") {
    throw new UsageError(
      `Unknown command ${name} ${member || "(none)"}; there are: ${Object.keys(found).join(", ")}`,
    );
  }
  printUsages([found]);
}

/** How each command is used, a line for each. */
function printUsages(found: (Command | Record<string, Command>)[]): void {
  const members = found.flatMap((one) => (isCommand(one) ? [one] : Object.values(one)));
  for (const { usage } of members) console.log(`Usage: ${usage}`);
}

function isCommand(found: Command | Record<string, Command>): found is Command {
  return typeof found.usage === "string";
}

async function execute(command: Command, words: string[]): Promise<void> {
  const { values, positionals } = parsed(command, words);
  if (values.help) return console.log(`Usage: ${command.usage}\n\n${command.help}`);
  if (positionals.length !== command.takes) throw new UsageError(`Usage: ${command.usage}`);

  const run = command.run(values, positionals[0] ?? "");
  if (command.opensDatabase === false) return run(undefined as never);
  const database = await connectDatabase(readConfig(process.env).database);
  await run(database).finally(() => database.close());
}

/** @throws {UsageError} when there is no such company */
async function companyIdOf({ knex, prepare, read }: Database, slug: string): Promise<string> {
  const [company] = await read(
    prepare<{ id: string }>(knex("companies").select("id").where("slug", named("slug"))),
    { slug },
  );
  if (!company) throw new UsageError(`There is no company ${slug}; keys create makes one`);
  return company.id;
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
function timeOf(option: string, text: string): number {
  const isTime = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d))?$/.test(text);
  const time = isTime ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(time))
    throw new UsageError(`--${option} takes a time with its zone, as in 2027-01-01T00:00:00Z, not ${text}`);
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
