/** Customers as CSV: the columns, and texts that no spreadsheet runs. */

/** The columns of a file, in the order of an export. */
export const csvColumns = ["email", "name", "status", "notes", "creditLimit", "taxRateOverride"] as const;
export type CsvColumn = (typeof csvColumns)[number];

/** Spreadsheets run a cell that begins so; the apostrophes before it belong to the value. */
const formula = /^'*[=+\-@\t\r\n＝＋－＠]/;

/** The text of a cell that no spreadsheet runs. `parseText` undoes exactly this. */
export function safeText(text: string): string {
  return formula.test(text) ? `'${text}` : text;
}

/** The value of a cell that an export, or nobody, has made safe. */
export function parseText(cell: string): string {
  return cell.startsWith("'") && formula.test(cell) ? cell.slice(1) : cell;
}

/** The column that a header names, without regard to case, spaces, underscores and dashes. */
export function columnOf(header: string): CsvColumn | undefined {
  const plain = header.toLowerCase().replace(/[\s_-]/g, "");
  return csvColumns.find((column) => column.toLowerCase() === plain);
}
