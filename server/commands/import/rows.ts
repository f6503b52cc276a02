/** Reads the cells of a row as a new customer, and explains what to write in place of each invalid cell. */
import { type CsvColumn, unescapeFormula } from "../csv.ts";
import type { FileColumn } from "./columns.ts";
import { repairMojibake } from "./mojibake.ts";
import { parseNumber } from "./numbers.ts";
import type { Cell } from "./records.ts";
import { type CheckedRow, fields, findErrors } from "./rowCheck.ts";

export interface RowResult {
  /** Absent if there are problems. */
  row?: CheckedRow;
  problems: string[];
  warnings: string[];
}

export type RowReader = ReturnType<typeof createRowReader>;

/** The maximum number of characters of a cell to quote in a problem. */
const quotedLength = 60;

/** @param hasDecimalComma whether the file uses a decimal comma, as in 0,07 */
export function createRowReader(fileColumns: readonly FileColumn[], hasDecimalComma: boolean) {
  const named = fileColumns.flatMap(({ column }, index) => (column ? [{ column, index }] : []));
  const nameless = fileColumns.flatMap(({ mustBeEmpty }, index) => (mustBeEmpty ? [index] : []));
  /** Nameless columns that have been reported, so that each is reported only once. */
  const reported = new Set<number>();

  function readCell(column: CsvColumn, cell: Cell): { value: unknown } | { problem: string } {
    const text = cell ?? "";
    switch (column) {
      case "email":
        return { value: unescapeFormula(text.trim()) };
      case "status":
        return { value: parseStatus(text.trim()) };
      case "name":
        return { value: text === "" ? null : unescapeFormula(text) };
      case "notes":
        return { value: cell === null ? null : unescapeFormula(text) };
      default:
        if (text.trim() === "") return { value: null };
        return parseNumber(text.trim(), fields[column], hasDecimalComma);
    }
  }

  function read(cells: readonly Cell[]): RowResult {
    const problems = findSurplus(cells);
    if (problems.length > 0) return { problems, warnings: [] };
    const body: Record<string, unknown> = {};
    const found = new Map<string, string>();
    const warnings: string[] = [];
    for (const { column, index } of named) {
      const cell = cells[index] ?? null;
      const parsed = readCell(column, cell);
      if ("problem" in parsed) found.set(column, `${column}: ${quote(cell ?? "")} ${parsed.problem}`);
      else if (column !== "status" || parsed.value !== "") body[column] = parsed.value;
      const restored = column === "name" || column === "notes" ? repairMojibake(cell ?? "") : undefined;
      if (restored !== undefined) {
        warnings.push(
          `${column}: ${quote(cell ?? "")} looks like ${quote(restored)} decoded with the wrong encoding.`,
        );
      }
    }
    const errors = findErrors(body);
    // The contract's schema has accepted it.
    if (errors.size === 0 && found.size === 0) return { row: body as CheckedRow, problems, warnings };
    for (const [field, message] of errors) {
      const text = cells[named.find(({ column }) => column === field)?.index ?? -1] ?? "";
      const isEmpty = text.trim() === "";
      found.set(
        field,
        `${field}: ${isEmpty ? message : `${quote(text)}: ${message}${advise(field, text.trim())}`}`,
      );
    }
    // In the contract's order, so the first problem is the one that an API response would report.
    return { problems: Object.keys(fields).flatMap((field) => found.get(field) ?? []), warnings };
  }

  /** Finds cells without a column, and columns without a cell. */
  function findSurplus(cells: readonly Cell[]): string[] {
    const isLonger = cells.slice(fileColumns.length).some((cell) => cell !== null && cell.trim() !== "");
    if (isLonger || cells.length < fileColumns.length)
      return [`The row has ${cells.length} cells, but the header has ${fileColumns.length}.`];
    return nameless.flatMap((index) => {
      const text = cells[index] ?? "";
      if (text.trim() === "" || reported.has(index)) return [];
      reported.add(index);
      return [
        `Column ${index + 1} has no name in the header but contains ${quote(text)} in this row. Name it or clear it.`,
      ];
    });
  }

  return { columns: named.map(({ column }) => column), read };
}

/** Parses a status in any case; returns other text unchanged. */
function parseStatus(text: string): string {
  return fields.status.enum?.find((status) => status === text.toUpperCase()) ?? text;
}

/** Suggests what to write in place of a cell that the contract rejects. */
function advise(field: string, text: string): string {
  if (field === "status") return ` Write ${fields.status.enum?.join(" or ")}.`;
  if (field === "email") {
    const [first, ...others] = text.match(/[^\s<>;,:"()[\]]+@[^\s<>;,:"()[\]]+/g) ?? [];
    const isPart = first !== undefined && first !== text && others.length === 0;
    return ` Write one address, such as ${isPart ? first : "anna@shop.example"}.`;
  }
  const share = Number(text) / 100;
  if (field === "taxRateOverride" && share >= 0.01 && share <= (fields[field].maximum ?? 0))
    return ` Write ${share} for ${text} %.`;
  return "";
}

/** Quotes the text of a cell on one line, shortened if it is long. */
export function quote(text: string): string {
  const characters = [...text];
  if (characters.length <= quotedLength) return JSON.stringify(text);
  return `${JSON.stringify(`${characters.slice(0, quotedLength).join("")}…`)} (${characters.length} characters)`;
}
