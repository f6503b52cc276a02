/** Exports the customers of a company as CSV, which imports back unchanged. */
import { Readable, type Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { stringify } from "csv-stringify";
import type { Database } from "../database/connect.ts";
import { csvColumns, safeText } from "./csv.ts";

/** Rows that are read at once. */
const pageSize = 1_000;

interface ExportedRow {
  id: string;
  email: string;
  name: string | null;
  status: string;
  notes: string | null;
  credit_limit: number | null;
  tax_rate_override: number | null;
}

/** Writes all customers of a company, the oldest first, with a header line. */
export async function exportCustomers(
  database: Database,
  companyId: string,
  output: Writable,
): Promise<void> {
  await pipeline(
    Readable.from(cellsOf(database, companyId)),
    stringify({
      header: true,
      columns: [...csvColumns],
      record_delimiter: "unix",
      cast: {
        // Notes of no characters are not the same as no notes.
        string: (value, { header }) => (header ? value : { value: safeText(value), quoted_empty: true }),
        number: (value) => String(value),
      },
    }),
    output,
    // Standard output stays open for those who end the process.
    { end: false },
  );
}

async function* cellsOf(database: Database, companyId: string): AsyncGenerator<(string | number | null)[]> {
  const { knex, prepare } = database;
  const page = prepare<ExportedRow>(
    knex("customers")
      .where("company_id", ":companyId")
      .where("id", ">", ":after")
      .select("id", "email", "name", "status", "notes", "credit_limit", "tax_rate_override")
      .orderBy("id")
      .limit(pageSize),
  );
  for (let after = "00000000-0000-0000-0000-000000000000"; ; ) {
    const rows = await database.read(page, { companyId, after });
    for (const row of rows) {
      yield [row.email, row.name, row.status, row.notes, row.credit_limit, row.tax_rate_override];
    }
    if (rows.length < pageSize) return;
    after = (rows.at(-1) as ExportedRow).id;
  }
}
