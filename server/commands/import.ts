/** `distribu import`: creates and updates customers from a CSV file. */
import { createReadStream, existsSync, fstatSync, statSync } from "node:fs";
import { type Command, InvalidArgumentError, Option } from "commander";
import { readConfig } from "../config.ts";
import { CommandError } from "../errors.ts";
import { findSystemUser } from "../systemUser.ts";
import { type CsvColumn, csvColumns } from "./csv.ts";
import { parseMapping } from "./import/columns.ts";
import type { ImportFile } from "./import/importCustomers.ts";
import { createProgress } from "./import/progress.ts";
import { companyOption } from "./options.ts";
import { UsageError } from "./usageError.ts";
import { findCompany, withDatabase } from "./withDatabase.ts";

/** The argument for standard input. */
const standardInput = "-";

/** Defines `distribu import`. */
export function define(command: Command): void {
  command
    .description(
      "Creates and updates customers from a CSV file, matched by email: all rows, or none if any has a problem.",
    )
    .argument("<file.csv>", "file to import; - for standard input")
    .addOption(companyOption("slug of the company; `keys create` creates companies"))
    .option("--dry-run", "validate and count without writing or locking anything", false)
    .option("--ignore-unknown-columns", "skip columns that are not listed below", false)
    .addOption(
      new Option(
        "--map <header=column>",
        'map a header of the file to a column listed below, as in "Email Address=email"; repeatable',
      )
        .argParser((text, map: Map<string, CsvColumn>) => map.set(...parseMap(text)))
        .default(new Map<string, CsvColumn>(), "none"),
    )
    .option(
      "--in-batches",
      "commit in small batches, so that servers never wait long to write; if interrupted, run the same command again to write the rest",
      false,
    )
    .option("--by <name>", "author of the changes in the audit trail (default: the system user)", parseName)
    .addHelpText(
      "after",
      `
Columns, in any order; only email is required: ${csvColumns.join(", ")}.
An empty cell clears the field. A missing column or an empty status leaves the field unchanged.
The delimiter is a comma, semicolon or tab; the encoding is UTF-8, or UTF-16 with a byte order mark.`,
    )
    .action(async (path: string, { company, dryRun, by, map, inBatches, ignoreUnknownColumns }) => {
      const file = openFile(path);
      // Imported here because it compiles the contract's schema.
      const { importCustomers } = await import("./import/importCustomers.ts");
      await withDatabase(async (database) => {
        const startedAt = performance.now();
        const result = await importCustomers(database, await findCompany(database, company), file, {
          maxCustomers: readConfig(process.env).maxCustomersPerCompany,
          isDryRun: dryRun,
          inBatches,
          map,
          ignoreUnknownColumns,
          by: by ?? findSystemUser(),
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
      `Expected a header and one of ${csvColumns.join(", ")}, such as "Their header=email".`,
    );
  return mapping;
}

function parseName(text: string): string {
  if (!/^\P{C}{1,100}$/u.test(text)) throw new InvalidArgumentError("Expected 1 to 100 characters.");
  return text;
}

/** @throws {UsageError} if the file does not exist */
function openFile(path: string): ImportFile {
  if (path === standardInput) {
    const input = fstatSync(0);
    return { name: "stdin", content: process.stdin, size: input.isFile() ? input.size : undefined };
  }
  if (!existsSync(path)) throw new UsageError(`There is no file ${path}`);
  const file = statSync(path);
  if (file.isDirectory()) throw new CommandError(`${path} is a directory, not a file`);
  return {
    name: path,
    content: createReadStream(path),
    size: file.isFile() ? file.size : undefined,
  };
}
