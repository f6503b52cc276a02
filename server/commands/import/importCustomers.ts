/** Imports customers from a CSV file: all rows are validated and staged first, then all or none are written. */
import { listColumns } from "../../database/customers.ts";
import type { Database, Run } from "../../database/database.ts";
import { named } from "../../database/statement.ts";
import { CommandError } from "../../errors.ts";
import { formatImporter } from "../audit.ts";
import type { CsvColumn } from "../csv.ts";
import { type ColumnOptions, countKnownColumns, resolveColumns } from "./columns.ts";
import { decodeText } from "./decodeText.ts";
import type { Progress } from "./progress.ts";
import { type CsvRecord, readRecords } from "./records.ts";
import { createReport, maxPrinted, type Report } from "./report.ts";
import { createRowReader, quote, type RowReader } from "./rows.ts";
import { createStaging, type Staging } from "./staging.ts";
import { writeStaged } from "./writing.ts";

/** A file to import. */
export interface ImportFile {
  /** Its name in reports. */
  name: string;
  content: AsyncIterable<Buffer>;
  /** In bytes, if known. */
  size?: number | undefined;
}

export interface ImportOptions extends ColumnOptions {
  isDryRun: boolean;
  inBatches: boolean;
  /** The maximum number of customers of a company. */
  maxCustomers: number | false;
  /** The author of the changes, for the audit trail. */
  by: string;
  progress: Progress;
  /** Prints a problem or a warning. */
  printLine(line: string): void;
}

export interface ImportResult {
  rows: number;
  /** Rows with problems. If there are any, nothing was written. */
  invalid: number;
  created: number;
  updated: number;
  unchanged: number;
}

/**
 * Imports a file into a company.
 * @throws {CommandError} if the file cannot be read as CSV with our columns, or the company would have too many customers
 */
export async function importCustomers(
  database: Database,
  companyId: string,
  file: ImportFile,
  options: ImportOptions,
): Promise<ImportResult> {
  const { progress, isDryRun, inBatches } = options;
  const changedBy = formatImporter(options.by);
  const report = createReport(file.name, options.printLine);
  return database.session(async (run) => {
    try {
      const staging = await createStaging(database, run, { companyId, changedBy });
      const { rows, columns, ...read } = await stageFile(file, staging, report, options);

      progress.begin("Staging", rows);
      const repeated = await staging.finish(maxPrinted);
      for (const { line, firstLine, email } of repeated.rows)
        report.add("problem", line, `email: ${quote(email)} is already on line ${firstLine}.`);
      report.addUnprinted(repeated.count - repeated.rows.length);
      const invalid = read.invalid + repeated.count;
      const result = { rows, invalid, created: 0, updated: 0, unchanged: 0 };
      if (invalid > 0) return result;

      const changed = listColumns(columns.filter((column) => column !== "email"));
      const removed = await staging.removeUnchanged(changed);
      progress.update(rows, rows);
      if (options.maxCustomers !== false)
        await assertRoom(database, run, { companyId, staging, maximum: options.maxCustomers });
      if (isDryRun) return { ...result, ...(await staging.count()), unchanged: removed };

      progress.begin("Writing", rows);
      const written = await writeStaged(database, run, {
        changed,
        changedBy,
        inBatches,
        lastNumber: rows,
        onProgress: (number) => progress.update(number, number),
      });
      // Other clients may have made the same changes in the meantime.
      return { ...result, ...written, unchanged: rows - written.created - written.updated };
    } finally {
      progress.stop();
      report.print();
    }
  });
}

/** @throws {CommandError} if the company would have too many customers */
async function assertRoom(
  { knex, prepare }: Database,
  run: Run,
  { companyId, staging, maximum }: { companyId: string; staging: Staging; maximum: number },
): Promise<void> {
  const { created } = await staging.count();
  const companyCustomers = knex("customers").where("company_id", named("companyId"));
  const [counted] = await run(prepare<{ count: number }>(companyCustomers.count({ count: "*" })), {
    companyId,
  });
  const count = counted?.count ?? 0;
  if (created > 0 && count + created > maximum)
    throw new CommandError(
      `Nothing was written: with ${created} new customers, the company would have ${count + created}. MAX_CUSTOMERS_PER_COMPANY is ${maximum}.`,
    );
}

/** Validates all rows of a file, and stages the valid ones. */
async function stageFile(
  file: ImportFile,
  staging: Staging,
  report: Report,
  options: ImportOptions,
): Promise<{ rows: number; invalid: number; columns: CsvColumn[] }> {
  const { progress } = options;
  let bytes = 0;
  async function* countBytes() {
    for await (const chunk of file.content) {
      bytes += chunk.length;
      yield chunk;
    }
  }

  progress.begin("Validating", file.size);
  let reader: RowReader | undefined;
  let [rows, invalid] = [0, 0];
  const text = decodeText(countBytes(), file.name);
  const countKnown = (header: (string | null)[]) => countKnownColumns(header, options);
  for await (const { records, delimiter } of readRecords(text, file.name, countKnown)) {
    if (!reader) {
      const header = (records.shift() as CsvRecord).cells;
      reader = createRowReader(resolveColumns(header, file.name, options), delimiter === ";");
    }
    for (const record of records) {
      rows++;
      const { row, problems, warnings } = reader.read(record.cells);
      for (const warning of warnings) report.add("warning", record.line, warning);
      for (const problem of problems) report.add("problem", record.line, problem);
      if (row) await staging.add(row, record.line);
      else invalid++;
    }
    progress.update(bytes, rows);
  }
  if (!reader) throw new CommandError(`${file.name} is empty. The first row must contain the column names.`);
  return { rows, invalid, columns: reader.columns };
}
