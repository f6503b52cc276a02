/** `distribu copy`: copies a database to another one, of either dialect, and compares the two. */
import { createHash } from "node:crypto";
import type { Command } from "commander";
import { connectDatabase } from "../database/connect.ts";
import { explainConnectError } from "../database/connectError.ts";
import { idColumns, toIdValues } from "../database/customers.ts";
import type { Database, Run, Value } from "../database/database.ts";
import { describeUrl } from "../database/describeUrl.ts";
import { keepStatements, named } from "../database/statement.ts";
import { CommandError } from "../errors.ts";
import { parseDatabaseUrl } from "./options.ts";
import { openDatabase } from "./withDatabase.ts";

/** The tables to copy, in an order that satisfies foreign keys, with the columns by which their rows are sorted. */
const keys: Record<string, string[]> = {
  companies: ["id"],
  api_keys: ["id"],
  customers: ["company_id", "id"],
  idempotency_keys: ["company_id", "key"],
  audit_entries: ["company_id", "changed_at", "customer_id"],
  operator_entries: ["id"],
};

/** Tables that are not copied: their contents are derived from the other tables, or temporary. */
const otherTables = /^(migrations|rate_limits|sqlite_.*|customers_(search|vocabulary).*)$/;

/** Columns of customers that are not copied: a derived one, and one that would make the triggers record the copy. */
const otherColumns = ["position", "changed_by"];

type Row = Record<string, Value | boolean>;

/** A table of both databases. */
interface Table {
  name: string;
  columns: string[];
  booleans: string[];
  key: string[];
}

/** How many rows are read and written at a time. */
const batchSize = 500;

/** The verified copy of a table. */
export interface CopiedTable {
  table: string;
  rows: number;
  /** SHA-256 of all values of all rows, in key order. */
  checksum: string;
}

/**
 * Copies everything from one database into an empty one, in one transaction, and compares row counts
 * and checksums before committing.
 * @throws {CommandError} if the target is not empty, or differs afterwards
 */
export async function copyDatabase(source: Database, target: Database): Promise<CopiedTable[]> {
  return source.session((read) =>
    target.session(async (write) => {
      // A consistent snapshot of the source, regardless of concurrent writes.
      await read(
        source.prepare(
          source.knex.raw(source.dialect === "sqlite" ? "begin" : "begin isolation level repeatable read"),
        ),
      );
      await write(target.prepare(target.knex.raw("begin")));
      const [first] = await write(
        target.prepare<{ id: string }>(target.knex("companies").select("id").limit(1)),
      );
      if (first) throw new CommandError("The target is not empty");
      const tables = await readTables(source, read);
      if (JSON.stringify(tables) !== JSON.stringify(await readTables(target, write)))
        throw new CommandError("The databases have different tables or columns");
      const copied: CopiedTable[] = [];
      for (const table of tables) {
        const insert = createInsert(target, write, table);
        const before = createDigest(table);
        for await (const rows of readBatches(source, read, table)) {
          before.add(rows);
          await insert(rows);
        }
        const after = createDigest(table);
        for await (const rows of readBatches(target, write, table)) after.add(rows);
        const [expected, found] = [before.result(), after.result()];
        if (expected.rows !== found.rows || expected.checksum !== found.checksum) {
          throw new CommandError(
            `${table.name} differs: ${JSON.stringify({ source: expected, target: found })}`,
          );
        }
        copied.push({ table: table.name, ...found });
      }
      await write(target.prepare(target.knex.raw("commit")));
      // Otherwise the planner would assume empty tables until autovacuum runs.
      if (target.dialect === "postgres") await write(target.prepare(target.knex.raw("analyze")));
      return copied;
    }),
  );
}

/** Reads the tables to copy with all their columns from the schema, so that a new column is never forgotten. */
async function readTables({ knex, prepare, dialect }: Database, run: Run): Promise<Table[]> {
  const found = await run(
    prepare<{ table: string; column: string; type: string }>(
      knex.raw(
        dialect === "sqlite"
          ? `select tables.name as "table", columns.name as "column", columns.type
             from sqlite_schema as tables join pragma_table_info(tables.name) as columns
             where tables.type = 'table' order by columns.name`
          : `select table_name as "table", column_name as "column", data_type as type
             from information_schema.columns
             join pg_class on oid = format('%I.%I', table_schema, table_name)::regclass
             where table_schema = current_schema() and not relispartition order by column_name collate "C"`,
      ),
    ),
  );
  const unknown = found.find(({ table }) => !keys[table] && !otherTables.test(table));
  if (unknown) throw new CommandError(`Cannot copy the unknown table ${unknown.table}`);
  return Object.entries(keys).map(([name, key]) => {
    const left = name === "customers" ? otherColumns : [];
    const columns = found.filter(({ table, column }) => table === name && !left.includes(column));
    const booleans = columns.filter(({ type }) => type === "boolean");
    return {
      name,
      key,
      columns: columns.map(({ column }) => column),
      booleans: booleans.map(({ column }) => column),
    };
  });
}

/** Reads the rows of a table in key order, which is the same in both dialects. */
async function* readBatches(
  { knex, prepare, dialect }: Database,
  run: Run,
  { name, key, columns }: Table,
): AsyncGenerator<Row[]> {
  const ordered = key.map((column) =>
    column === "key" && dialect === "postgres" ? '"key" collate "C"' : `"${column}"`,
  );
  const query = (isFirst: boolean) => {
    const page = knex(name).select(columns).orderByRaw(ordered.join(", ")).limit(batchSize);
    if (!isFirst)
      page.whereRaw(`(${ordered.join(", ")}) > (${key.map(() => "?").join(", ")})`, key.map(named));
    return prepare<Record<string, Value>>(page);
  };
  const next = query(false);
  for (let rows = await run(query(true)); rows.length > 0; ) {
    yield rows;
    rows = rows.length < batchSize ? [] : await run(next, rows.at(-1));
  }
}

/** Returns a function that inserts rows into a table. */
function createInsert({ knex, prepare, dialect }: Database, run: Run, { name, columns, booleans }: Table) {
  const isCustomers = name === "customers";
  const inserted = [...new Set([...columns, ...(isCustomers ? idColumns[dialect] : [])])];
  const getInsert = keepStatements((count: number) =>
    prepare(
      knex(name).insert(
        Array.from({ length: count }, (_, index) =>
          Object.fromEntries(inserted.map((column) => [column, named(`${index}.${column}`)])),
        ),
      ),
    ),
  );
  return async (rows: Row[]): Promise<void> => {
    const values = rows.flatMap((row, index) => {
      const full = { ...row, ...(isCustomers && toIdValues(dialect, String(row.id))) };
      for (const column of booleans) full[column] = Number(full[column]);
      return Object.entries(full).map(([column, value]) => [`${index}.${column}`, value as Value]);
    });
    await run(getInsert(rows.length), Object.fromEntries(values));
  };
}

function createDigest({ booleans }: Table) {
  const hash = createHash("sha256");
  let count = 0;
  return {
    add(rows: Row[]) {
      for (const row of rows) {
        count++;
        const comparable = { ...row };
        for (const column of booleans) comparable[column] = Boolean(row[column]);
        hash.update(JSON.stringify(comparable));
      }
    },
    result: () => ({ rows: count, checksum: hash.digest("hex") }),
  };
}

/** Defines `distribu copy`. */
export function define(command: Command): void {
  command
    .description(
      "Copies a database, including keys, into an empty one, for example from SQLite to PostgreSQL, and compares the two.",
    )
    .requiredOption("--from <database url>", "database to read", parseDatabaseUrl)
    .requiredOption(
      "--to <database url>",
      "empty database to write; a missing SQLite file is created, a PostgreSQL database must exist",
      parseDatabaseUrl,
    )
    .addHelpText("after", "\nStop the servers first: later writes are not copied.")
    .action(async ({ from, to }) => {
      console.error(`From: ${describeUrl(from)}\nTo: ${describeUrl(to)}`);
      const source = await openDatabase({ url: from });
      const target = await connectDatabase({ url: to }).catch(async (error) => {
        await source.close();
        throw new CommandError(explainConnectError(to, error));
      });
      const copied = await copyDatabase(source, target).finally(() =>
        Promise.all([source.close(), target.close()]),
      );
      for (const { table, rows, checksum } of copied)
        console.log(`${table}: ${rows} rows, SHA-256 ${checksum} on both`);
    });
}
