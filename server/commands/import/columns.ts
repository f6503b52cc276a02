/** Maps the columns of a file to ours. */
import { CommandError } from "../../errors.ts";
import { type CsvColumn, csvColumns, findColumn } from "../csv.ts";
import type { Cell } from "./records.ts";

export interface ColumnOptions {
  /** Whether unknown columns are skipped; otherwise they are an error. */
  ignoreUnknownColumns: boolean;
  /** Our columns, keyed by their headers in the file. */
  map: ReadonlyMap<string, CsvColumn>;
}

/** A column of the file. */
export interface FileColumn {
  header: string;
  /** Our column; absent if its cells are skipped. */
  column?: CsvColumn;
  /** Whether its cells must be empty, because it has no header. */
  mustBeEmpty: boolean;
}

/** Parses a mapping such as `Their header=email`. Returns undefined if it is invalid. */
export function parseMapping(text: string): [header: string, column: CsvColumn] | undefined {
  const at = text.lastIndexOf("=");
  const [header, column] = [text.slice(0, at).trim(), findColumn(text.slice(at + 1))];
  return at > 0 && header !== "" && column ? [header, column] : undefined;
}

/** Counts the cells of a header that name one of our columns. */
export function countKnownColumns(header: Cell[], { map }: ColumnOptions): number {
  return header.filter((cell) => findMapped(cell ?? "", map) ?? findColumn(cell ?? "")).length;
}

/**
 * Finds our columns in the header of a file.
 * @throws {CommandError} naming the columns that are unknown, missing or repeated
 */
export function resolveColumns(header: Cell[], name: string, options: ColumnOptions): FileColumn[] {
  const { map, ignoreUnknownColumns } = options;
  const headers = header.map((cell) => (cell ?? "").trim());
  const absent = [...map.keys()].filter((key) => !headers.some((text) => isSameHeader(text, key)));
  if (absent.length > 0) {
    const present = formatHeaders(headers.filter((text) => text !== ""));
    throw new CommandError(
      `${name} has no column ${formatHeaders(absent)}, given in --map. Columns: ${present}.`,
    );
  }

  // A header mapped by --map takes precedence over one that matches by name.
  const taken = new Set(map.values());
  const columns = headers.map((text): FileColumn => {
    const named = findColumn(text);
    const column = findMapped(text, map) ?? (named && taken.has(named) ? undefined : named);
    const mustBeEmpty = text === "" && !ignoreUnknownColumns;
    return { header: text, mustBeEmpty, ...(column && { column }) };
  });

  const unknown = columns.filter(({ header, column }) => !column && header !== "");
  if (unknown.length > 0 && !ignoreUnknownColumns) {
    throw new CommandError(
      `${name} has ${unknown.length === 1 ? "an unknown column" : `${unknown.length} unknown columns`}: ` +
        `${formatHeaders(unknown.map(({ header }) => header))}. Known columns: ${csvColumns.join(", ")}. ` +
        'Skip unknown columns with --ignore-unknown-columns, or map them with --map "Their header=email".',
    );
  }
  for (const one of csvColumns) {
    const same = columns.filter(({ column }) => column === one).map(({ header }) => header);
    if (same.length > 1) {
      throw new CommandError(
        `${name} has the column ${one} more than once: ${formatHeaders(same)}. ` +
          `Choose one with --map "${same[0]}=${one}" and --ignore-unknown-columns, or rename the others.`,
      );
    }
  }
  if (!columns.some(({ column }) => column === "email")) {
    throw new CommandError(
      `${name} has no email column. The first row must contain the column names; ` +
        'map a different name with --map "Their header=email".',
    );
  }
  return columns;
}

function findMapped(header: string, map: ReadonlyMap<string, CsvColumn>): CsvColumn | undefined {
  for (const [key, column] of map) if (isSameHeader(header.trim(), key)) return column;
  return undefined;
}

function isSameHeader(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}

function formatHeaders(headers: string[]): string {
  return headers.map((header) => JSON.stringify(header)).join(", ");
}
