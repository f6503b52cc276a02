/** Customers as CSV: the columns, and how a cell and a value become one another. */
import type { Call } from "../operations.ts";

/** The columns of a file, in the order of an export. */
export const csvColumns = ["email", "name", "status", "notes", "creditLimit", "taxRateOverride"] as const;
export type CsvColumn = (typeof csvColumns)[number];

type Body = Partial<Record<CsvColumn, unknown>>;

/** Spreadsheets run a cell that begins so; the apostrophes before it belong to the value. */
const formula = /^'*[=+\-@\t\r＝＋－＠]/;

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

/** A cell as it was read. */
export interface Cell {
  text: string;
  /** `""` is a text of no characters; nothing at all is no value. */
  wasQuoted: boolean;
}

/** What a row would send as the body of createCustomer; the contract judges it. */
export function bodyOf(columns: readonly CsvColumn[], cells: readonly Cell[]): Body {
  const body: Body = {};
  for (const [index, column] of columns.entries()) {
    const { text, wasQuoted } = cells[index] as Cell;
    if (column === "email") body.email = parseText(text.trim());
    // Absent: a new customer gets the contract's default, an existing one keeps what it has.
    else if (column === "status") Object.assign(body, text.trim() && { status: text.trim() });
    else if (text === "" && !(column === "notes" && wasQuoted)) body[column] = null;
    else if (column === "name" || column === "notes") body[column] = parseText(text);
    else body[column] = numberOf(text.trim());
  }
  return body;
}

/** A number as JSON writes it; anything else stays text, and the contract refuses it. */
function numberOf(text: string): number | string {
  return /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/.test(text) ? Number(text) : text;
}

/** A body that has passed the contract. */
export type CheckedBody = Call<"createCustomer">["body"];
