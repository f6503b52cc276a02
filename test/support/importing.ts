/** Imports files, in this process or by running the command. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import type { CsvColumn } from "../../server/commands/csv.ts";
import { type ImportResult, importCustomers } from "../../server/commands/import/importCustomers.ts";
import { named } from "../../server/database/statement.ts";
import { CommandError } from "../../server/errors.ts";
import type { Partner } from "./partner.ts";
import { type ProgramResult, runCommand } from "./processes.ts";
import type { TestServer } from "./server.ts";

export interface ImportedFile extends Partial<ImportResult> {
  /** The printed report, or the error, without the name of the file. */
  lines: string[];
}

/** Finds a customer by email. */
// biome-ignore lint/suspicious/noExplicitAny: the contract check has compared it with its schema
export type CustomersByEmail = Record<string, any>;

/** Imports a file with this content into the company of a partner. */
export async function importFile(
  { database }: TestServer,
  { company }: Partner,
  content: string | Buffer,
  options: {
    ignoreUnknownColumns?: boolean;
    map?: [string, CsvColumn][];
    chunkSize?: number;
    maxCustomers?: number;
  } = {},
): Promise<ImportedFile> {
  const { knex, prepare, read } = database;
  const find = prepare<{ id: string }>(knex("companies").select("id").where("slug", named("company")));
  const [found] = await read(find, { company });
  const { map = [], ignoreUnknownColumns = false, chunkSize = 65_536, maxCustomers = false } = options;
  const bytes = Buffer.from(content);
  const chunks = Array.from({ length: Math.ceil(bytes.length / chunkSize) }, (_, n) =>
    bytes.subarray(n * chunkSize, (n + 1) * chunkSize),
  );
  const lines: string[] = [];
  try {
    const file = { name: "FILE", content: Readable.from(chunks) };
    const result = await importCustomers(database, found?.id ?? "", file, {
      isDryRun: false,
      inBatches: false,
      by: "test",
      ignoreUnknownColumns,
      map: new Map(map),
      maxCustomers,
      progress: { begin() {}, update() {}, stop() {} },
      printLine: (line) => lines.push(line),
    });
    return { ...result, lines };
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    return { lines: [...lines, error.message] };
  }
}

/** Lists all customers of a partner's company. */
export async function listCustomersByEmail(partner: Partner): Promise<CustomersByEmail> {
  const all: CustomersByEmail = {};
  for (let cursor: string | null = ""; cursor !== null; ) {
    const { body } = await partner.send("GET", `/customers?limit=100&cursor=${cursor}`);
    for (const customer of body.data) all[customer.email] = customer;
    cursor = body.pagination.nextCursor;
  }
  return all;
}

/** The output of the import command. */
export interface CommandResult extends ProgramResult {
  /** The report, without the name of the file. */
  reports: string[];
}

let files = 0;

/** Writes a file into a folder, and imports it into a partner's company with the command. */
export async function importByCommand(
  { databaseUrl }: TestServer,
  { company }: Partner,
  folder: string,
  content: string | Buffer,
  ...options: string[]
): Promise<CommandResult> {
  const file = join(folder, `${++files}.csv`);
  writeFileSync(file, content);
  const args = ["import", file, "--company", company, ...options];
  const result = await runCommand(args, { DATABASE_URL: databaseUrl });
  return {
    ...result,
    // The duration differs on each run.
    stdout: result.stdout.trimEnd().replace(/ in \d+\.\d s/, ""),
    reports: result.stderr
      .replaceAll(file, "FILE")
      .replace(/^Database: .*\n/, "")
      .trimEnd()
      .split("\n"),
  };
}
