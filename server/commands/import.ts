/** Imports customers from a CSV file: everything is checked first, then all is written, or nothing. */
import { createReadStream, existsSync, statSync } from "node:fs";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { SingleBar } from "cli-progress";
import type { Command } from "commander";
import { CsvError, parse } from "csv-parse";
import { operations } from "../contract.ts";
import { newCustomerId } from "../customerIds.ts";
import { columnsOf, idColumns, idValues, toColumns } from "../database/customers.ts";
import type { Database, Run, Statement, Value } from "../database/database.ts";
import { named, namedColumns } from "../database/statement.ts";
import { CommandError } from "../errors.ts";
import { compileBodyCheck } from "../validation.ts";
import { importer } from "./audit.ts";
import { bodyOf, type Cell, type CheckedBody, type CsvColumn, columnOf, csvColumns } from "./csv.ts";
import { companyOption } from "./options.ts";
import { UsageError } from "./usageError.ts";
import { findCompany, withDatabase } from "./withDatabase.ts";

/** Rows that one statement stages. */
const batchSize = 500;

/** How often a run without a terminal says where it is, in rows. */
const reportEvery = 100_000;

export interface ImportResult {
  rows: number;
  bad: number;
  created: number;
  updated: number;
  unchanged: number;
}

/**
 * Imports a file into a company. With a bad row nothing is written.
 * @param report is told every bad row, a line each: file, line, column, message
 * @throws {CommandError} when the file cannot be read as CSV with our columns
 */
export async function importCustomers(
  database: Database,
  companyId: string,
  file: string,
  { isDryRun, report }: { isDryRun: boolean; report(line: string): void },
): Promise<ImportResult> {
  return database.session(async (run) => {
    const staging = createStaging(database, run);
    await staging.begin();
    const progress = createProgress(file);
    let [rows, bad] = [0, 0];
    let header: CsvColumn[] = [];
    try {
      for await (const { columns, body, line, problem } of checkedRows(file, progress.bytes)) {
        header = columns;
        rows++;
        if (problem) {
          bad++;
          report(`${file}:${line}: ${problem}`);
        } else if (bad === 0) {
          await staging.add(body as CheckedBody, line);
        }
        progress.rows(rows);
      }
    } finally {
      progress.stop();
    }
    await staging.flush();
    if (bad === 0) {
      for (const { line, email } of await staging.repeated()) {
        bad++;
        report(
          `${file}:${line}: email: A customer with this email already exists. (${email} stands in an earlier line.)`,
        );
      }
    }
    const result = { rows, bad, created: 0, updated: 0, unchanged: 0 };
    return bad > 0 ? result : { ...result, ...(await staging.merge(companyId, header, isDryRun)) };
  });
}

interface CheckedRow {
  columns: CsvColumn[];
  body: unknown;
  line: number;
  /** Column and message, where the contract refuses the row. */
  problem?: string;
}

/** The rows of a file, each judged by the contract's own schema of createCustomer. */
async function* checkedRows(file: string, seenBytes: (count: number) => void): AsyncGenerator<CheckedRow> {
  const operation = operations.find(({ operationId }) => operationId === "createCustomer");
  if (!operation) throw new Error("The contract has no createCustomer");
  const check = compileBodyCheck(operation);
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const text = new Transform({
    readableObjectMode: false,
    transform(chunk: Buffer, _encoding, done) {
      seenBytes(chunk.length);
      try {
        done(null, decoder.decode(chunk, { stream: true }));
      } catch {
        done(new CommandError(`${file} is not UTF-8`));
      }
    },
    /** The file may end within a character. */
    flush(done) {
      try {
        done(null, decoder.decode());
      } catch {
        done(new CommandError(`${file} is not UTF-8`));
      }
    },
  });
  const parser = parse({
    info: true,
    relax_column_count: true,
    skip_empty_lines: true,
    cast: (value, { quoting }) => ({ text: value, wasQuoted: quoting }),
  });
  const reading = pipeline(createReadStream(file), text, parser).catch((error) => {
    parser.destroy(error);
  });

  let columns: CsvColumn[] | undefined;
  let nextLine = 1;
  let emptyLines = 0;
  try {
    for await (const { record, info } of parser as AsyncIterable<{
      record: Cell[];
      info: { empty_lines: number };
    }>) {
      // csv-parse counts lines too, but a CRLF within a cell as two.
      const line = nextLine + info.empty_lines - emptyLines;
      nextLine = record.reduce((next, { text }) => next + text.split("\n").length - 1, line + 1);
      emptyLines = info.empty_lines;
      if (!columns) {
        columns = headerOf(file, record);
        continue;
      }
      if (record.length !== columns.length) {
        yield {
          columns,
          body: undefined,
          line,
          problem: `${record.length} cells, where the header has ${columns.length}`,
        };
        continue;
      }
      const body = bodyOf(columns, record);
      const error = check(body);
      const problem = error && `${error.details.field}: ${error.message}`;
      yield { columns, body, line, ...(problem !== undefined && { problem }) };
    }
    await reading;
  } catch (error) {
    if (error instanceof CsvError) throw new CommandError(`${file} is not CSV: ${error.message}`);
    throw error;
  }
  if (!columns) throw new CommandError(`${file} is empty; its first line must name the columns`);
}

function headerOf(file: string, record: Cell[]): CsvColumn[] {
  const columns = record.map(({ text }, index) => {
    const column = columnOf(index === 0 ? text.replace(/^\ufeff/, "") : text);
    if (!column) throw new CommandError(`${file} has an unknown column: ${text || "(empty)"}`);
    return column;
  });
  const repeated = columns.find((column, index) => columns.indexOf(column) < index);
  if (repeated) throw new CommandError(`${file} has the column ${repeated} more than once`);
  if (!columns.includes("email")) throw new CommandError(`${file} has no column email`);
  return columns;
}

/** A temporary table of checked rows: the file may be larger than the memory. */
function createStaging(database: Database, run: Run) {
  const { knex, prepare, dialect } = database;
  const identifying = idColumns[dialect];
  /** What is copied from the staged rows to the customers. */
  const copied = [...identifying, ...columnsOf(csvColumns)];
  const all = ["line", ...copied];
  const inserts = new Map<number, Statement<unknown>>();
  let pending: Record<string, Value>[] = [];

  const execute = (sql: string) => run(prepare(knex.raw(sql)));

  function insertOf(count: number): Statement<unknown> {
    let statement = inserts.get(count);
    if (!statement) {
      const rows = Array.from({ length: count }, (_, row) =>
        Object.fromEntries(all.map((name) => [name, named(`${row}.${name}`)])),
      );
      statement = prepare(knex("staged").insert(rows));
      inserts.set(count, statement);
    }
    return statement;
  }

  async function flush(): Promise<void> {
    if (pending.length === 0) return;
    const rows = pending;
    pending = [];
    const values = rows.flatMap((row, index) => all.map((name) => [`${index}.${name}`, row[name] as Value]));
    await run(insertOf(rows.length), Object.fromEntries(values));
  }

  return {
    async begin() {
      // With the types of the table that it is for.
      const types = knex("customers").select(copied).whereRaw("false");
      await run(
        prepare(knex.raw("create temporary table staged as ?", [types.select(knex.raw("0 as line"))])),
      );
      // A transaction on the temporary table alone: nobody else waits for it.
      await execute("begin");
    },

    async add(body: CheckedBody, line: number) {
      const id = newCustomerId();
      pending.push({
        line,
        ...Object.fromEntries(copied.map((column) => [column, null])),
        ...idValues(dialect, id),
        // Not in lower case before the check: the lower case of a Kelvin sign is a k.
        ...toColumns({ ...body, email: body.email.toLowerCase() }),
      });
      if (pending.length === batchSize) await flush();
    },

    flush,

    /** The rows whose email stands in an earlier line. */
    repeated() {
      return run(
        prepare<{ line: number; email: string }>(
          knex.raw(
            "select line, email from (select line, email, row_number() over (partition by email order by line) as place from staged) as places where place > 1 order by line",
          ),
        ),
      );
    },

    /** Writes what is staged in one transaction; a dry run only counts. */
    async merge(companyId: string, header: readonly CsvColumn[], isDryRun: boolean) {
      await execute("commit");
      await execute("create unique index staged_email on staged (email)");
      if (dialect === "postgres") await execute("analyze staged");
      await execute(dialect === "sqlite" ? "begin immediate" : "begin");
      if (dialect === "sqlite") await moveOffTakenPositions();
      const changes = header.filter((column) => column !== "email").flatMap((column) => columnsOf([column]));
      const updated =
        changes.length === 0 ? 0 : (await run(updateOf(changes), { companyId, now: Date.now() })).length;
      const [counted] = await run(
        prepare<{ total: number; known: number }>(
          knex.raw(
            "select count(*) as total, count(customers.id) as known from staged left join customers on customers.company_id = ? and customers.email = staged.email",
            [named("companyId")],
          ),
        ),
        { companyId },
      );
      const { total, known } = counted as { total: number; known: number };
      await run(insertNew(), { companyId });
      await execute(isDryRun ? "rollback" : "commit");
      // Until autovacuum comes by, plans would be those of the table as it was.
      if (dialect === "postgres" && !isDryRun) await execute("analyze customers");
      return { created: total - known, updated, unchanged: known - updated };
    },
  };

  /** A server may have drawn the position of a staged row meanwhile: then another id, as in createCustomer. */
  async function moveOffTakenPositions(): Promise<void> {
    const taken = prepare<{ line: number }>(
      knex("staged").select("staged.line").join("customers", "customers.position", "staged.position"),
    );
    const move = prepare(
      knex("staged").update(namedColumns(identifying)).where("line", named("line")).returning("line"),
    );
    for (let rows = await run(taken); rows.length > 0; rows = await run(taken)) {
      for (const { line } of rows) {
        const id = newCustomerId();
        await run(move, { line, id, ...idValues(dialect, id) });
      }
    }
  }

  /** Updates the customers that differ in one of these columns; returns a row for each. */
  function updateOf(changes: string[]): Statement<{ one: number }> {
    const set = changes.map((column) => `${column} = ${newValue(column)}`);
    const differs = changes.map((column) => `customers.${column} is distinct from ${newValue(column)}`);
    return prepare(
      knex.raw(
        `update customers set ${set.join(", ")}, changed_by = '${importer}',
           updated_at = case when customers.updated_at < ? then ? else customers.updated_at + 1 end
         from staged where customers.company_id = ? and customers.email = staged.email and (${differs.join(" or ")})
         returning 1 as one`,
        [named("now"), named("now"), named("companyId")],
      ),
    );
  }

  function insertNew(): Statement<unknown> {
    const time =
      dialect === "sqlite"
        ? "position >> 15"
        : "('x' || translate(left(staged.id::text, 13), '-', ''))::bit(48)::bigint";
    const others = copied.filter((column) => column !== "status");
    const names = [...others, "status", "company_id", "email_verified", "updated_at", "changed_by"].join(
      ", ",
    );
    return prepare(
      knex.raw(
        `insert into customers (${names})
         select ${others.map((column) => `staged.${column}`).join(", ")}, coalesce(staged.status, 'ACTIVE'), ${dialect === "sqlite" ? "?" : "?::uuid"}, false, ${time.replace("position", "staged.position")}, '${importer}'
         from staged where not exists (select 1 from customers where customers.company_id = ? and customers.email = staged.email)
         order by staged.line`,
        [named("companyId"), named("companyId")],
      ),
    );
  }
}

function newValue(column: string): string {
  return column === "status" ? "coalesce(staged.status, customers.status)" : `staged.${column}`;
}

/** A bar on a terminal, plain lines elsewhere; both on standard error. */
function createProgress(file: string) {
  let seen = 0;
  const bar = process.stderr.isTTY
    ? new SingleBar({
        format: "{bar} {percentage} % | {rows} rows checked | {eta} s left",
        stream: process.stderr,
      })
    : undefined;
  bar?.start(statSync(file).size, 0, { rows: 0 });
  return {
    bytes(count: number) {
      seen += count;
    },
    rows(count: number) {
      if (bar && count % 1000 === 0) bar.update(seen, { rows: count });
      if (!bar && count % reportEvery === 0) console.error(`${count} rows checked`);
    },
    stop() {
      bar?.stop();
    },
  };
}

/** Defines `distribu import`. */
export function define(command: Command): void {
  command
    .description(
      "Creates and updates customers from a CSV file, matched by email: all of them, or none if a row is invalid.",
    )
    .argument("<file.csv>", "the file to import")
    .addOption(companyOption("slug of the company; keys create creates companies"))
    .option("--dry-run", "only validate and count", false)
    .addHelpText(
      "after",
      `
Columns, in any order, of which only email is required: ${csvColumns.join(", ")}.
An empty cell clears a field. A column that is absent, and an empty status, leave the field as it is.`,
    )
    .action(async (file: string, { company, dryRun }) => {
      if (!existsSync(file)) throw new UsageError(`There is no file ${file}`);
      await withDatabase(async (database) => {
        const companyId = await findCompany(database, company);
        const result = await importCustomers(database, companyId, file, {
          isDryRun: dryRun,
          report: console.error,
        });
        if (result.bad > 0) {
          console.error(`${result.bad} of ${result.rows} rows are bad; nothing was written.`);
          process.exitCode = 1;
          return;
        }
        console.log(
          `${result.created} created, ${result.updated} updated, ${result.unchanged} unchanged${dryRun ? " (dry run: nothing was written)" : ""}`,
        );
      });
    });
}
