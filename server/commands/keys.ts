/** `distribu keys`: create, list and revoke API keys. */
import { type Command, InvalidArgumentError } from "commander";
import type { Scope } from "../../generated/messages.ts";
import { createApiKeys, type ListedKey } from "../apiKeys.ts";
import { scopes as knownScopes } from "../contract.ts";
import { isoTime } from "../isoTime.ts";
import { companyOption, parseTime } from "./options.ts";
import { formatTable } from "./table.ts";
import { UsageError } from "./usageError.ts";
import { withDatabase } from "./withDatabase.ts";

interface CreateOptions {
  company: string;
  scopes: Scope[];
  name: string;
  expires?: number;
}

/** Defines `distribu keys`. */
export function define(keys: Command): void {
  keys.description("Creates, lists and revokes API keys.");

  keys
    .command("create")
    .description(
      "Creates an API key, and the company if it is new. Prints the key, which is shown only once.",
    )
    .addOption(companyOption("slug of the company, 1 to 100 characters without spaces").argParser(parseSlug))
    .requiredOption("--scopes <scope,...>", `${knownScopes.join(", ")}; separated by commas`, parseScopes)
    .option("--name <name>", "what the key is for, up to 100 characters", parseName, "")
    .option("--expires <time>", "when it expires, as in 2027-01-01T00:00:00Z; never by default", parseTime)
    .action(({ company, scopes, name, expires }: CreateOptions) =>
      withDatabase(async (database) => {
        console.log(await createApiKeys(database).create(company, scopes, name, expires ?? null));
      }),
    );

  keys
    .command("list")
    .description("Lists all API keys, the oldest first. The time of the last use is kept to the minute.")
    .action(() =>
      withDatabase(async (database) => {
        console.log(formatKeys(await createApiKeys(database).list()));
      }),
    );

  keys
    .command("revoke")
    .description("Revokes an API key: it stops working on its next use.")
    .argument("<prefix or id>", "as `keys list` shows it")
    .action((name: string) =>
      withDatabase(async (database) => {
        const apiKeys = createApiKeys(database);
        const key = findKey(await apiKeys.list(), name);
        await apiKeys.revoke(key.id);
        console.error(`Revoked ${key.prefix} (${key.company}).`);
      }),
    );
}

/** @throws {UsageError} unless exactly one key has this prefix or id */
function findKey(keys: ListedKey[], name: string): ListedKey {
  const found = keys.filter(({ id, prefix }) => id === name || prefix === name);
  if (found.length > 1) throw new UsageError(`${name} is the prefix of ${found.length} keys; give the id`);
  // Never echo the argument: it may be a whole key, pasted by mistake.
  if (!found[0]) throw new UsageError("No key has this prefix or id; `distribu keys list` shows both");
  return found[0];
}

function formatKeys(keys: ListedKey[]): string {
  const timeOf = (time: number | null) => (time === null ? "never" : isoTime(time));
  return formatTable([
    ["PREFIX", "COMPANY", "NAME", "SCOPES", "CREATED", "LAST USED", "STATUS", "ID"],
    ...keys.map((key) => [
      key.prefix,
      key.company,
      key.name || "-",
      key.scopes.join(","),
      timeOf(key.createdAt),
      timeOf(key.lastUsedAt),
      key.status,
      key.id,
    ]),
  ]);
}

function parseSlug(text: string): string {
  if (!/^[^\s\p{C}]{1,100}$/u.test(text))
    throw new InvalidArgumentError("Give 1 to 100 characters without spaces.");
  return text;
}

function parseName(text: string): string {
  if (!/^\P{C}{0,100}$/u.test(text)) throw new InvalidArgumentError("Give up to 100 characters in one line.");
  return text;
}

function parseScopes(text: string): Scope[] {
  const given = [...new Set(text.split(","))];
  if (!given.every((scope): scope is Scope => (knownScopes as string[]).includes(scope)))
    throw new InvalidArgumentError(`Scopes: ${knownScopes.join(", ")}.`);
  return given;
}
