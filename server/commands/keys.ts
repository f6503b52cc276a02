/** `distribu keys`: create, list, rotate and revoke API keys. */
import { fstatSync, statSync } from "node:fs";
import { type Command, InvalidArgumentError, Option } from "commander";
import type { Scope } from "../../generated/messages.ts";
import { scopes as knownScopes } from "../contract.ts";
import { CommandError } from "../errors.ts";
import { formatIsoTime } from "../formatIsoTime.ts";
import { createKeyAdministration, type ListedKey } from "../keyAdministration.ts";
import { companyOption, parseDuration, parseExpiry, parseInteger } from "./options.ts";
import { formatTable } from "./table.ts";
import { UsageError } from "./usageError.ts";
import { findCompany, withDatabase } from "./withDatabase.ts";

interface CreateOptions {
  company: string;
  scopes: Scope[];
  name: string;
  expires?: number;
  requestsPerMinute?: number;
}

/** Defines `distribu keys`. */
export function define(keys: Command): void {
  keys.description("Creates, lists, rotates and revokes API keys.");

  keys
    .command("create")
    .description(
      "Creates an API key, and the company if it is new. Prints the key, which is shown only once.",
    )
    .addOption(companyOption("slug of the company, 1 to 100 characters without spaces").argParser(parseSlug))
    .requiredOption("--scopes <scope,...>", `comma-separated list of ${knownScopes.join(", ")}`, parseScopes)
    .option("--name <name>", "what the key is for, up to 100 characters", parseName, "")
    .option(
      "--expires <time>",
      "when the key expires: a duration such as 90d, or a time such as 2027-01-01T00:00:00Z; by default never",
      parseExpiry,
    )
    .option(
      "--requests-per-minute <number>",
      "rate limit of this key, 1 to 1000000, instead of RATE_LIMIT_PER_MINUTE",
      parseInteger(1, 1_000_000),
    )
    .action(({ expires, requestsPerMinute, ...options }: CreateOptions) => {
      requireOutput();
      return withDatabase(async (database) => {
        const newKey = {
          ...options,
          expiresAt: expires ?? null,
          requestsPerMinute: requestsPerMinute ?? null,
        };
        await printKey(await createKeyAdministration(database).create(newKey));
      });
    });

  keys
    .command("list")
    .description("Lists the API keys, oldest first. The time of last use is accurate to the minute.")
    .option("--company <slug>", "only the keys of this company")
    .option("--json", "print a JSON object per line", false)
    .action(({ company, json }: { company?: string; json: boolean }) =>
      withDatabase(async (database) => {
        if (company !== undefined) await findCompany(database, company);
        const listed = await createKeyAdministration(database).list();
        const found = listed.filter((key) => company === undefined || key.company === company);
        if (!json) console.log(formatKeys(found));
        else for (const key of found) console.log(formatJson(key));
      }),
    );

  keys
    .command("rotate")
    .description(
      "Replaces an API key with a new one that has the same company, scopes, name, limit and lifetime; the old key expires. Prints the new key, which is shown only once.",
    )
    .argument("<prefix or id>", "prefix or ID of the old key, from `keys list`")
    .addOption(
      new Option("--overlap <duration>", "how long the old key keeps working, such as 24h or 0s")
        .argParser(parseDuration)
        .default(86_400_000, "24h"),
    )
    .action((name: string, { overlap }: { overlap: number }) => {
      requireOutput();
      return withDatabase(async (database) => {
        const administration = createKeyAdministration(database);
        const old = findKey(await administration.list(), name);
        await printKey(await administration.rotate(old, overlap));
        const { expiresAt } = findKey(await administration.list(), old.id);
        console.error(`${old.prefix} (${old.company}) expires at ${formatTime(expiresAt)}.`);
      });
    });

  keys
    .command("revoke")
    .description("Revokes an API key: it stops working on its next use.")
    .argument("<prefix or id>", "prefix or ID of the key, from `keys list`")
    .action((name: string) =>
      withDatabase(async (database) => {
        const administration = createKeyAdministration(database);
        const key = findKey(await administration.list(), name);
        await administration.revoke(key);
        console.error(`Revoked ${key.prefix} (${key.company}).`);
      }),
    );
}

/**
 * Checks that a new key can be printed, before it is created.
 * @throws {UsageError} if standard output is the null device, which Node opens in place of a closed one (`>&-`)
 */
function requireOutput(): void {
  const nullDevice = statSync("/dev/null", { throwIfNoEntry: false });
  if (fstatSync(process.stdout.fd).rdev === nullDevice?.rdev)
    throw new UsageError("Standard output is closed or /dev/null, so the new key would be lost");
}

/**
 * Prints a new key, which cannot be shown again.
 * @throws {CommandError} if standard output does not accept it, because a disk is full or the reader has exited
 */
async function printKey(key: string): Promise<void> {
  const error = await new Promise((resolve) => process.stdout.write(`${key}\n`, resolve));
  if (error instanceof Error)
    throw new CommandError(
      `Created a key, but could not print it: ${error.message}. Revoke it and create another one: distribu keys revoke ${key.slice(0, 12)}`,
    );
}

/** @throws {UsageError} unless exactly one key has this prefix or ID */
function findKey(keys: ListedKey[], name: string): ListedKey {
  const found = keys.filter(({ id, prefix }) => id === name || prefix === name);
  if (found.length > 1)
    throw new UsageError(`${name} is the prefix of ${found.length} keys; use the ID instead`);
  // Never echo the argument: it may be a complete key, pasted by mistake.
  if (!found[0]) throw new UsageError("No key has this prefix or ID; `distribu keys list` lists both");
  return found[0];
}

function formatTime(time: number | null): string {
  return time === null ? "never" : formatIsoTime(time);
}

function formatKeys(keys: ListedKey[]): string {
  return formatTable([
    ["PREFIX", "COMPANY", "NAME", "SCOPES", "CREATED", "EXPIRES", "LAST USED", "LIMIT", "STATUS", "ID"],
    ...keys.map((key) => [
      ...[key.prefix, key.company, key.name || "-", key.scopes.join(",")],
      ...[key.createdAt, key.expiresAt, key.lastUsedAt].map(formatTime),
      ...[String(key.requestsPerMinute ?? "-"), key.status, key.id],
    ]),
  ]);
}

function formatJson(key: ListedKey): string {
  const times = Object.entries({
    createdAt: key.createdAt,
    expiresAt: key.expiresAt,
    lastUsedAt: key.lastUsedAt,
  }).map(([name, time]) => [name, time === null ? null : formatIsoTime(time)]);
  return JSON.stringify({ ...key, ...Object.fromEntries(times) });
}

function parseSlug(text: string): string {
  if (!/^[^\s\p{C}]{1,100}$/u.test(text))
    throw new InvalidArgumentError("Expected 1 to 100 characters without spaces.");
  return text;
}

function parseName(text: string): string {
  if (!/^\P{C}{0,100}$/u.test(text))
    throw new InvalidArgumentError("Expected up to 100 characters on one line.");
  return text;
}

function parseScopes(text: string): Scope[] {
  const given = [...new Set(text.split(","))];
  if (!given.every((scope): scope is Scope => (knownScopes as string[]).includes(scope)))
    throw new InvalidArgumentError(`Available scopes: ${knownScopes.join(", ")}.`);
  return given;
}
