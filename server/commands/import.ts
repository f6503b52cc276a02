/** `distribu import`: creates and updates customers from a CSV file. */
import { createReadStream, existsSync, fstatSync, statSync } from "node:fs";
import { type Command, InvalidArgumentError } from "commander";
import { CommandError } from "../errors.ts";
import { systemUser } from "../systemUser.ts";
import { type CsvColumn, csvColumns } from "./csv.ts";
import { parseMapping } from "./import/columns.ts";
import type { ImportFile } from "./import/importCustomers.ts";
import { createProgress } from "./import/progress.ts";
import { companyOption } from "./options.ts";
import { UsageError } from "./usageError.ts";
import { findCompany, withDatabase } from "./withDatabase.ts";

/** Names standard input. */
const standardInput = "-";

/** Defines `distribu import`. */
export function define(command: Command): void {
  command
    .description(
      "Creates and updates customers from a CSV file, matched by email: all of them, or none if a row has a problem.",
    )
    .argument("<file.csv>", "the file to import; - is standard input")
    .addOption(companyOption("slug of the company; keys create creates companies"))
    .option("--dry-run", "only validate and count; locks nothing", false)
    .option("--ignore-unknown-columns", "skip the columns that are not listed below", false)
    .option(
      "--map <header=column>",
      'read the column with this header as one of ours, as in "Email Address=email"; repeatable',
      (text, map: Map<string, CsvColumn>) => map.set(...parseMap(text)),
      new Map<string, CsvColumn>(),
    )
    .option(
      "--in-batches",
      "commit every few rows, so that no write of a server waits for long; after an interruption, the same command writes the rest",
      false,
    )
    .option("--by <name>", "who imports, for the audit trail (default: the user of the system)", parseName)
    .addHelpText(
      "after",
      `
Columns, in any order, of which only email is required: ${csvColumns.join(", ")}.
An empty cell clears a field. A column that is absent, and an empty status, leave the field as it is.
Cells are separated by commas, semicolons or tabs; the encoding is UTF-8, or UTF-16 with a byte order mark.`,
    )
    .action(async (path: string, { company, dryRun, by, map, inBatches, ignoreUnknownColumns }) => {
      const file = openFile(path);
      // Loaded only now: it compiles the contract's schema.
      const { importCustomers } = await import("./import/importCustomers.ts");
      await withDatabase(async (database) => {
        const startedAt = performance.now();
        const result = await importCustomers(database, await findCompany(database, company), file, {
          ...{ isDryRun: dryRun, inBatches, map, ignoreUnknownColumns, by: by ?? systemUser() },
          progress: createProgress(),
          printLine: console.error,
        });
        if (result.invalid > 0) {
          console.error(`${result.invalid} of ${result.rows} rows have problems. Nothing was written.`);
          process.exitCode = 1;
          return;
        }
        const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
        console.log(
          `${result.created} created, ${result.updated} updated, ${result.unchanged} unchanged in ${seconds} s${dryRun ? " (dry run: nothing was written)" : ""}`,
        );
      });
    });
}

function parseMap(text: string): [header: string, column: CsvColumn] {
  const mapping = parseMapping(text);
  if (!mapping)
    throw new InvalidArgumentError(
      `Give a header and one of ${csvColumns.join(", ")}, as in "Their header=email".`,
    );
  return mapping;
}

function parseName(text: string): string {
  if (!/^\P{C}{1,100}$/u.test(text)) throw new InvalidArgumentError("Give 1 to 100 characters.");
  return text;
}

/** @throws {UsageError} when there is no such file */
function openFile(path: string): ImportFile {
  if (path === standardInput) {
    const input = fstatSync(0);
    return { name: "stdin", content: process.stdin, size: input.isFile() ? input.size : undefined };
  }
  if (!existsSync(path)) throw new UsageError(`There is no file ${path}`);
  const file = statSync(path);
  if (file.isDirectory()) throw new CommandError(`${path} is a folder, not a file`);
  return {
    name: path,
    content: createReadStream(path),
    size: file.isFile() ? file.size : undefined,
  };
}
