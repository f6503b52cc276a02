/** The rows of an import in a temporary table: a file may be larger than the memory, and nobody waits for it. */
import { createdAt, newCustomerId } from "../../customerIds.ts";
import { insertedColumns, insertedValues } from "../../database/customers.ts";
import type { Database, Run, Value } from "../../database/database.ts";
import { named, namedColumns } from "../../database/statement.ts";
import { type CheckedRow, defaultStatus } from "./rowCheck.ts";

/** A row that repeats the email of an earlier one. */
export interface RepeatedEmail {
  line: number;
  firstLine: number;
  email: string;
}

export type Staging = Awaited<ReturnType<typeof createStaging>>;

/** How many rows are staged at once. */
const batchSize = 1_000;

/** SQL: that the row of a customer differs from the staged row in one of these columns. */
export function differsIn(columns: readonly string[]): string {
  const differs = columns.map((column) => `customers.${column} is distinct from ${newValue(column)}`);
  return differs.length > 0 ? `(${differs.join(" or ")})` : "false";
}

/** SQL: the value that a customer that exists gets. An empty status leaves it as it is. */
export function newValue(column: string): string {
  return column === "status" ? "coalesce(staged.status, customers.status)" : `staged.${column}`;
}

/** SQL: the customer that has the email of a staged row. */
export const sameEmail = "customers.company_id = staged.company_id and customers.email = staged.email";

/**
 * Creates the table `staged`: the columns that an insert of a customer sets, and the number of the row and its
 * line before them. Statements on it lock nothing that anybody else uses.
 */
export async function createStaging(
  { knex, dialect, prepare }: Database,
  run: Run,
  { companyId, changedBy }: { companyId: string; changedBy: string },
) {
  const columns = insertedColumns(dialect);
  const execute = (sql: string) => run(prepare(knex.raw(sql)));
  let [number, pending]: [number, Record<string, Value>[]] = [0, []];

  // On SQLite the connection outlives an import.
  await execute("drop table if exists staged");
  await execute(
    `create temporary table staged as select 0 as number, 0 as line, ${columns.join(", ")} from customers where false`,
  );
  await execute("begin");
  const insertOne = prepare(knex("staged").insert(namedColumns(["number", "line", ...columns])));
  // All rows as one parameter: as COPY, it needs neither a placeholder for each value nor a plan for each size.
  const insertMany = prepare(
    knex.raw("insert into staged select * from json_populate_recordset(null::staged, ?)", [named("rows")]),
  );

  async function flush(): Promise<void> {
    if (dialect === "postgres") await run(insertMany, { rows: JSON.stringify(pending) });
    else for (const row of pending) await run(insertOne, row);
    pending = [];
  }

  return {
    async add({ status, ...row }: CheckedRow, line: number): Promise<void> {
      const id = newCustomerId();
      const values = insertedValues(
        dialect,
        companyId,
        {
          ...{ id, version: createdAt(id), emailVerified: false, status: defaultStatus },
          // Not before the check: the lower case of a Kelvin sign is a k.
          ...{ email: row.email.toLowerCase(), name: row.name ?? null, notes: row.notes ?? null },
          ...{ creditLimit: row.creditLimit ?? null, taxRateOverride: row.taxRateOverride ?? null },
        },
        changedBy,
      );
      pending.push({ ...values, number: ++number, line, status: status ?? null });
      if (pending.length === batchSize) await flush();
    },

    /** Ends the adding, and finds the rows whose email stands in an earlier one. */
    async finish(limit: number): Promise<{ rows: RepeatedEmail[]; count: number }> {
      await flush();
      await execute("commit");
      await execute("create index staged_email on staged (email, number)");
      await execute("create unique index staged_number on staged (number)");
      if (dialect === "postgres") await execute("analyze staged");
      const [counted] = await run(
        prepare<{ count: number }>(knex.raw("select count(*) - count(distinct email) as count from staged")),
      );
      const count = counted?.count ?? 0;
      if (count === 0) return { rows: [], count };
      const places =
        "select number, line, email, first_value(line) over (partition by email order by number) as first_line, " +
        "row_number() over (partition by email order by number) as place from staged";
      const rows = await run(
        prepare<{ line: number; email: string; first_line: number }>(
          knex.raw(
            `select line, email, first_line from (${places}) as places where place > 1 order by number limit ${limit}`,
          ),
        ),
      );
      return { count, rows: rows.map(({ first_line, ...row }) => ({ ...row, firstLine: first_line })) };
    },

    /** Removes the rows that would change nothing. Returns how many they are. */
    async removeUnchanged(changed: readonly string[]): Promise<number> {
      const removed = await run(
        prepare(
          knex.raw(
            `delete from staged where exists (select 1 from customers where ${sameEmail} and not ${differsIn(changed)}) returning 1 as one`,
          ),
        ),
      );
      return removed.length;
    },

    /** What the staged rows would do, by the customers as they are. */
    async count(): Promise<{ created: number; updated: number }> {
      const [counted] = await run(
        prepare<{ total: number; known: number }>(
          knex.raw(
            `select count(*) as total, count(customers.id) as known from staged left join customers on ${sameEmail}`,
          ),
        ),
      );
      const { total = 0, known = 0 } = counted ?? {};
      return { created: total - known, updated: known };
    },
  };
}
