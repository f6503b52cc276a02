/** Exports the customers of a company as CSV that `distribu import` reads back unchanged. */
import { Readable, type Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Command } from "commander";
import { stringify } from "csv-stringify";
import { type CustomerRow, selectedColumns } from "../database/customers.ts";
import type { Database } from "../database/database.ts";
import { named } from "../database/statement.ts";
import { ignoreClosedPipe } from "./closedPipe.ts";
import { csvColumns, escapeFormula } from "./csv.ts";
import { companyOption } from "./options.ts";
import { findCompany, withDatabase } from "./withDatabase.ts";

/** How many rows are read at a time. */
const pageSize = 1_000;

/**
 * Writes a header line and all customers of a company, oldest first. Stops silently if the reader stops reading, as
 * `head` does.
 * @param withMark whether to start with a byte order mark, which Excel needs to recognize UTF-8
 */
export async function exportCustomers(
  database: Database,
  companyId: string,
  output: Writable,
  { withMark = false } = {},
): Promise<void> {
  await pipeline(
    Readable.from(readCells(database, companyId)),
    stringify({
      header: true,
      bom: withMark,
      columns: [...csvColumns],
      record_delimiter: "unix",
      // csv-stringify itself only quotes cells with LF; our import, like many programs, also breaks lines at a lone CR.
      quoted_match: /\r/,
      cast: {
        // Empty notes are not the same as no notes.
        string: (value, { header }) => (header ? value : { value: escapeFormula(value), quoted_empty: true }),
        number: (value) => String(value),
      },
    }),
    output,
    // Standard output stays open: other code may still write to it.
    { end: false },
  ).catch(ignoreClosedPipe);
}

async function* readCells(database: Database, companyId: string): AsyncGenerator<(string | number | null)[]> {
  const { knex, prepare } = database;
  const page = prepare<CustomerRow>(
    knex("customers")
      .where("company_id", named("companyId"))
      .where("id", ">", named("after"))
      .select(selectedColumns)
      .orderBy("id")
      .limit(pageSize),
  );
  for (let after = "00000000-0000-0000-0000-000000000000"; ; ) {
    const rows = await database.read(page, { companyId, after });
    for (const row of rows) yield csvColumns.map((column) => row[column]);
    const last = rows.at(-1);
    if (!last || rows.length < pageSize) return;
    after = last.id;
  }
}

/** Defines `distribu export`. */
export function define(command: Command): void {
  command
    .description(
      "Writes the customers of a company to standard output as CSV, oldest first, for spreadsheets or import.",
    )
    .addOption(companyOption())
    .option("--bom", "start with a byte order mark, so that Excel reads non-ASCII characters", false)
    .addHelpText(
      "after",
      "\nText that a spreadsheet would run as a formula is prefixed with an apostrophe, which import removes.",
    )
    .action(({ company, bom }) =>
      withDatabase(async (database) => {
        const companyId = await findCompany(database, company);
        await exportCustomers(database, companyId, process.stdout, { withMark: bom });
      }),
    );
}
