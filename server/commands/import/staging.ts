/** Stages the rows of an import in a temporary table: a file may not fit in memory, and staging locks nothing. */
import { newCustomerId, parseCreatedAt } from "../../customerIds.ts";
import { listInsertColumns, toInsertValues } from "../../database/customers.ts";
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

/** How many rows are staged at a time. */
const batchSize = 1_000;

/** SQL condition: the row of a customer differs from the staged row in at least one of these columns. */
export function differsIn(columns: readonly string[]): string {
  const differs = columns.map((column) => `customers.${column} is distinct from ${newValue(column)}`);
  return differs.length > 0 ? `(${differs.join(" or ")})` : "false";
}

/** SQL expression: the new value for an existing customer. An empty status leaves it unchanged. */
export function newValue(column: string): string {
  return column === "status" ? "coalesce(staged.status, customers.status)" : `staged.${column}`;
}

/** SQL condition: the customer has the email of the staged row. */
export const sameEmail = "customers.company_id = staged.company_id and customers.email = staged.email";

/**
 * Creates the table `staged`: the row number and the line number, followed by the columns that the insert of a customer
 * sets. Statements on it lock nothing that other sessions use.
 */
export async function createStaging(
  { knex, dialect, prepare }: Database,
  run: Run,
  { companyId, changedBy }: { companyId: string; changedBy: string },
) {
  const columns = listInsertColumns(dialect);
  const execute = (sql: string) => run(prepare(knex.raw(sql)));
  let [number, pending]: [number, Record<string, Value>[]] = [0, []];

  // On SQLite the connection outlives the import.
  await execute("drop table if exists staged");
  await execute(
    `create temporary table staged as select 0 as number, 0 as line, ${columns.join(", ")} from customers where false`,
  );
  await execute("begin");
  const insertOne = prepare(knex("staged").insert(namedColumns(["number", "line", ...columns])));
  // All rows as one parameter: like COPY, this needs neither a placeholder for each value nor a plan for each batch
  // size.
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
      const values = toInsertValues(
        dialect,
        companyId,
        {
          id,
          version: parseCreatedAt(id),
          emailVerified: false,
          status: defaultStatus,
          // Lower-cased only after validation: lower-casing turns the Kelvin sign into an ASCII k.
          email: row.email.toLowerCase(),
          name: row.name ?? null,
          notes: row.notes ?? null,
          creditLimit: row.creditLimit ?? null,
          taxRateOverride: row.taxRateOverride ?? null,
        },
        changedBy,
      );
      pending.push({ ...values, number: ++number, line, status: status ?? null });
      if (pending.length === batchSize) await flush();
    },

    /** Completes the staging, and finds the rows that repeat the email of an earlier one. */
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

    /** Removes the rows that would change nothing. Returns their number. */
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

    /** Counts the customers that the staged rows would currently create and update. */
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
