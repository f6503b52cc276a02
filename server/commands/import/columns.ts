/** Which columns of a file are which of ours. */
import { CommandError } from "../../errors.ts";
import { type CsvColumn, columnOf, csvColumns } from "../csv.ts";
import type { Cell } from "./records.ts";

export interface ColumnOptions {
  /** Columns that are not ours are skipped; otherwise they are an error. */
  ignoreUnknownColumns: boolean;
  /** Our columns by the headers that the file has for them. */
  map: ReadonlyMap<string, CsvColumn>;
}

/** A column of the file. */
export interface FileColumn {
  header: string;
  /** Which of ours it is; none, where its cells are skipped. */
  column?: CsvColumn;
  /** Its cells must be empty, as nothing says what they are. */
  mustBeEmpty: boolean;
}

/** The header and the column of a text such as `Their header=email`, or undefined where it is none. */
export function parseMapping(text: string): [header: string, column: CsvColumn] | undefined {
  const at = text.lastIndexOf("=");
  const [header, column] = [text.slice(0, at).trim(), columnOf(text.slice(at + 1))];
  return at > 0 && header !== "" && column ? [header, column] : undefined;
}

/** How many cells of a header are columns of ours. */
export function countKnownColumns(header: Cell[], { map }: ColumnOptions): number {
  return header.filter((cell) => mapped(cell ?? "", map) ?? columnOf(cell ?? "")).length;
}

/**
 * Finds our columns in the header of a file.
 * @throws {CommandError} which names every column that is unknown, missing or there twice
 */
export function resolveColumns(header: Cell[], name: string, options: ColumnOptions): FileColumn[] {
  const { map, ignoreUnknownColumns } = options;
  const headers = header.map((cell) => (cell ?? "").trim());
  const absent = [...map.keys()].filter((key) => !headers.some((text) => isSameHeader(text, key)));
  if (absent.length > 0) {
    const there = listed(headers.filter((text) => text !== ""));
    throw new CommandError(`${name} has no column ${listed(absent)}, which --map names. It has ${there}.`);
  }

  // A column that --map names stands before one whose header says the same.
  const taken = new Set(map.values());
  const columns = headers.map((text): FileColumn => {
    const named = columnOf(text);
    const column = mapped(text, map) ?? (named && taken.has(named) ? undefined : named);
    const mustBeEmpty = text === "" && !ignoreUnknownColumns;
    return { header: text, mustBeEmpty, ...(column && { column }) };
  });

  const unknown = columns.filter(({ header, column }) => !column && header !== "");
  if (unknown.length > 0 && !ignoreUnknownColumns) {
    throw new CommandError(
      `${name} has ${unknown.length === 1 ? "an unknown column" : `${unknown.length} unknown columns`}: ` +
        `${listed(unknown.map(({ header }) => header))}. The columns are ${csvColumns.join(", ")}. ` +
        'Skip the others with --ignore-unknown-columns, or say what they are with --map "Their header=email".',
    );
  }
  for (const one of csvColumns) {
    const same = columns.filter(({ column }) => column === one).map(({ header }) => header);
    if (same.length > 1) {
      throw new CommandError(
        `${name} has the column ${one} more than once: ${listed(same)}. ` +
          `Choose one with --map "${same[0]}=${one}" and --ignore-unknown-columns, or rename the others.`,
      );
    }
  }
  if (!columns.some(({ column }) => column === "email")) {
    throw new CommandError(
      `${name} has no column email. Its first row must name the columns; one that is called otherwise ` +
        'is named by --map "Their header=email".',
    );
  }
  return columns;
}

function mapped(header: string, map: ReadonlyMap<string, CsvColumn>): CsvColumn | undefined {
  for (const [key, column] of map) if (isSameHeader(header.trim(), key)) return column;
  return undefined;
}

function isSameHeader(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}

function listed(headers: string[]): string {
  return headers.map((header) => JSON.stringify(header)).join(", ");
}
