/** Customers as CSV: the columns, and protection against cells that a spreadsheet would run as formulas. */

/** The columns of a file, in the order in which they are exported. */
export const csvColumns = ["email", "name", "status", "notes", "creditLimit", "taxRateOverride"] as const;
export type CsvColumn = (typeof csvColumns)[number];

/** Cells that a spreadsheet runs as a formula, also after leading apostrophes, which belong to the value. */
const formula = /^'*[=+\-@\t\r\n＝＋－＠]/;

/** Escapes text that a spreadsheet would run as a formula. `unescapeFormula` reverses exactly this. */
export function escapeFormula(text: string): string {
  return formula.test(text) ? `'${text}` : text;
}

/** Returns the value of a cell, whether or not `escapeFormula` has escaped it. */
export function unescapeFormula(cell: string): string {
  return cell.startsWith("'") && formula.test(cell) ? cell.slice(1) : cell;
}

/** Finds the column that a header names, ignoring case, spaces, underscores and dashes. */
export function findColumn(header: string): CsvColumn | undefined {
  const plain = header.toLowerCase().replace(/[\s_-]/g, "");
  return csvColumns.find((column) => column.toLowerCase() === plain);
}
