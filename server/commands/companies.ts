/** `distribu companies`: list, block and unblock companies. */
import type { Command } from "commander";
import { type Company, createCompanies } from "../companies.ts";
import type { Database } from "../database/database.ts";
import { formatIsoTime } from "../formatIsoTime.ts";
import { formatTable } from "./table.ts";
import { UsageError } from "./usageError.ts";
import { withDatabase } from "./withDatabase.ts";

/** Defines `distribu companies`. */
export function define(companies: Command): void {
  companies.description("Lists, blocks and unblocks companies.");

  companies
    .command("list")
    .description("Lists all companies, by slug.")
    .option("--json", "print a JSON object per line", false)
    .action(({ json }: { json: boolean }) =>
      withDatabase(async (database) => {
        const listed = await createCompanies(database).list();
        if (!json) console.log(formatCompanies(listed));
        else for (const company of listed) console.log(formatJson(company));
      }),
    );

  companies
    .command("block")
    .description("Blocks a company immediately: none of its keys work until it is unblocked.")
    .argument("<slug>", "slug of the company")
    .action((slug: string) => withDatabase((database) => setBlocked(database, slug, true)));

  companies
    .command("unblock")
    .description("Unblocks a company: its keys work again.")
    .argument("<slug>", "slug of the company")
    .action((slug: string) => withDatabase((database) => setBlocked(database, slug, false)));
}

/** @throws {UsageError} if the company does not exist */
async function setBlocked(database: Database, slug: string, isBlocked: boolean): Promise<void> {
  const companies = createCompanies(database);
  const company = (await companies.list()).find((listed) => listed.slug === slug);
  if (!company) throw new UsageError(`There is no company ${slug}; \`distribu companies list\` lists all`);
  const hasChanged = await companies.setBlocked(company, isBlocked);
  console.error(`${slug} ${hasChanged ? "is" : "was already"} ${isBlocked ? "blocked" : "unblocked"}.`);
}

function formatCompanies(companies: Company[]): string {
  return formatTable([
    ["SLUG", "CREATED", "KEYS", "STATUS", "ID"],
    ...companies.map(({ slug, createdAt, keys, blockedAt, id }) => [
      ...[slug, formatIsoTime(createdAt), String(keys)],
      ...[blockedAt === null ? "active" : `blocked ${formatIsoTime(blockedAt)}`, id],
    ]),
  ]);
}

function formatJson({ createdAt, blockedAt, ...company }: Company): string {
  return JSON.stringify({
    ...company,
    createdAt: formatIsoTime(createdAt),
    blockedAt: blockedAt === null ? null : formatIsoTime(blockedAt),
  });
}
