/** Reads the records of CSV text, with the lines on which they start. */
import { CsvError, parse } from "csv-parse";
import { parse as parseSync } from "csv-parse/sync";
import { CommandError } from "../../errors.ts";
import { countLineBreaks } from "./decodeText.ts";

/** The text of a cell; null if the cell is empty without quotes, unlike `""`. */
export type Cell = string | null;

export interface CsvRecord {
  cells: Cell[];
  /** The line on which it starts, counted from 1. */
  line: number;
}

/** The delimiters that are detected. */
export const delimiters = [",", ";", "\t"];

/** How much text is read to detect the delimiter; it must contain the header. */
const headLength = 65_536;

/** The maximum length of a record, in bytes, so that reading stops early after a quote that is never closed. */
const longestRecord = 2 ** 20;

/** Excel reads the delimiter from a first line such as `sep=;`, which it does not show. */
const separatorLine = /^"?sep=([^"\r\n])"?[\s,;]*?(\r\n|\n|\r|$)/i;

/** Line endings can be mixed in files that were joined or edited on several systems. */
const format = { record_delimiter: ["\r\n", "\n", "\r"], relax_column_count: true };

/**
 * Reads text with any of the delimiters and any line endings, skipping blank rows.
 * @param countKnown counts the known columns in a header: the right delimiter yields the most
 * @returns batches of records, the first of which starts with the header
 * @throws {CommandError} with the line number, if the text is not CSV
 */
export async function* readRecords(
  text: AsyncIterable<string>,
  name: string,
  countKnown: (header: Cell[]) => number,
): AsyncGenerator<{ records: CsvRecord[]; delimiter: string }> {
  const { head, rest } = await readHead(text);
  const separator = separatorLine.exec(head);
  const body = separator ? head.slice(separator[0].length) : head;
  const delimiter = separator?.[1] ?? detectDelimiter(body, countKnown);

  let records: CsvRecord[] = [];
  let line = separator ? 2 : 1;
  let breaksInRecord = 0;
  const parser = parse({
    ...format,
    delimiter,
    max_record_size: longestRecord,
    cast(value, { quoting }) {
      if (!quoting) return value === "" ? null : value;
      // csv-parse also counts lines, but counts a CRLF within a cell twice.
      breaksInRecord += countLineBreaks(value);
      return value;
    },
    // Returns nothing: the records are collected here, one batch for each chunk of text.
    on_record(record) {
      // The values that `cast` returned.
      const cells: Cell[] = record;
      if (!isBlank(cells)) records.push({ cells, line });
      line += 1 + breaksInRecord;
      breaksInRecord = 0;
      return undefined;
    },
  });
  parser.on("error", () => {});
  const finished = (resolve: () => void, reject: (error: Error) => void) => (error?: Error | null) => {
    if (!error) return resolve();
    // All records before the error have been read, as have the cells before it in the same record.
    const at = `${name}:${line + breaksInRecord}`;
    reject(error instanceof CsvError ? new CommandError(`${at}: ${describe(error)}`) : error);
  };

  for await (const chunk of chain(body, rest)) {
    await new Promise<void>((resolve, reject) => parser.write(chunk, finished(resolve, reject)));
    if (records.length > 0) yield { records, delimiter };
    records = [];
  }
  await new Promise<void>((resolve, reject) => {
    parser.once("error", finished(resolve, reject));
    parser.end(resolve);
  });
  if (records.length > 0) yield { records, delimiter };
}

/** Whether all cells are empty: Excel keeps such rows where content was deleted. */
function isBlank(cells: Cell[]): boolean {
  return cells.every((cell) => cell === null || cell.trim() === "");
}

async function readHead(text: AsyncIterable<string>): Promise<{ head: string; rest: AsyncIterator<string> }> {
  const rest = text[Symbol.asyncIterator]();
  let head = "";
  while (head.length < headLength) {
    const { value, done } = await rest.next();
    if (done) break;
    head += value;
  }
  return { head, rest };
}

async function* chain(first: string, rest: AsyncIterator<string>): AsyncGenerator<string> {
  yield first;
  for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
}

function detectDelimiter(head: string, countKnown: (header: Cell[]) => number): string {
  const found = delimiters.map((delimiter) => {
    const header = parseHeader(head, delimiter);
    return { delimiter, known: countKnown(header), cells: header.length };
  });
  // The sort is stable, so the first of equal delimiters wins. A header without cells means that all rows are blank.
  found.sort((one, other) => other.known - one.known || other.cells - one.cells);
  return (found.find(({ cells }) => cells === 0) ?? found[0])?.delimiter as string;
}

/** Parses the first record that is not blank. If the text is not CSV with this delimiter, it counts as one cell. */
function parseHeader(head: string, delimiter: string): Cell[] {
  try {
    const options = { ...format, delimiter, skip_records_with_empty_values: true, to: 1 };
    return (parseSync(head, options) as Cell[][])[0] ?? [];
  } catch {
    return [head];
  }
}

function describe({ code, index, message }: CsvError): string {
  const cell = `cell ${Number(index) + 1}`;
  switch (String(code)) {
    case "CSV_QUOTE_NOT_CLOSED":
      return `the quote that opens ${cell} is never closed.`;
    case "CSV_MAX_RECORD_SIZE":
      return `${cell} is larger than 1 MB. Is the quote that opens it never closed?`;
    case "CSV_INVALID_CLOSING_QUOTE":
      return `${cell} continues after its closing quote. Close the quote at the end of the cell, and double the quotes within it: "Ben ""the baker"" Smith".`;
    case "INVALID_OPENING_QUOTE":
      return `${cell} has a quote within its text. Put the cell in quotes, and double those within it: "Ben ""the baker"" Smith".`;
    default:
      return `not CSV: ${message}`;
  }
}
