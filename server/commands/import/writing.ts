/** Writes the staged rows of an import: in one transaction, or in batches between which other clients can write. */
import { setTimeout as sleep } from "node:timers/promises";
import { newCustomerId, parseCreatedAt } from "../../customerIds.ts";
import { idColumns, listInsertColumns, toIdValues } from "../../database/customers.ts";
import type { Database, Run } from "../../database/database.ts";
import { named, namedColumns } from "../../database/statement.ts";
import { defaultStatus } from "./rowCheck.ts";
import { differsIn, newValue, sameEmail } from "./staging.ts";

export interface WriteOptions {
  /** The columns that an update sets. */
  changed: readonly string[];
  changedBy: string;
  /** The number of the last staged row. */
  lastNumber: number;
  /** Whether to commit in small batches, so that other writers never wait long. */
  inBatches: boolean;
  /** Called with the number of the last row written. */
  onProgress(number: number): void;
}

/** How many rows each statement of the single transaction writes. */
const rowsPerStatement = 2_000;

/** The first batch is small; the size of each later one is chosen so that it takes this long. */
const batches = { firstRows: 100, maxRows: 10_000, milliseconds: 100 };

/** SQLite: the pause between two transactions. Writers waiting for the lock retry at least every 11 ms. */
const pauseInMilliseconds = 30;

/** Returns how many customers were created and updated. */
export async function writeStaged(
  database: Database,
  run: Run,
  options: WriteOptions,
): Promise<{ created: number; updated: number }> {
  const { knex, dialect, prepare } = database;
  const { lastNumber, inBatches, onProgress } = options;
  const writeRows = createRowWriter(database, run, options);
  const execute = (sql: string) => run(prepare(knex.raw(sql)));
  const begin = () => execute(dialect === "sqlite" ? "begin immediate" : "begin");
  const total = { created: 0, updated: 0 };

  if (!inBatches) await begin();
  let size = inBatches ? batches.firstRows : rowsPerStatement;
  for (let after = 0; after < lastNumber; ) {
    const upTo = Math.min(after + size, lastNumber);
    if (inBatches) await begin();
    const startedAt = performance.now();
    const { created, updated } = await writeRows(after, upTo);
    total.created += created;
    total.updated += updated;
    if (inBatches) {
      await execute("commit");
      const fitting = (size * batches.milliseconds) / (performance.now() - startedAt);
      size = Math.ceil(Math.min(fitting, size * 2, batches.maxRows));
      if (dialect === "sqlite") await sleep(pauseInMilliseconds);
    }
    onProgress(upTo);
    after = upTo;
  }
  if (!inBatches) await execute("commit");
  // Otherwise the planner would use outdated statistics until autovacuum runs.
  if (dialect === "postgres") await execute("analyze customers");
  return total;
}

/** Returns a function that writes the staged rows of a range within the open transaction. */
function createRowWriter(
  { knex, dialect, prepare }: Database,
  run: Run,
  { changed, changedBy }: WriteOptions,
) {
  const isInRange = "staged.number > ? and staged.number <= ?";
  const range = [named("after"), named("upTo")];
  // The table grows, so a plan made for the first rows would not suit the last ones.
  const planned = { planEachTime: true };
  const countRows = prepare<{ count: number }>(
    knex.raw(`select count(*) as count from staged where ${isInRange}`, range),
  );

  const columns = listInsertColumns(dialect);
  const values = columns.map((column) => (column === "status" ? "coalesce(status, ?)" : column));
  const insert = prepare(
    knex.raw(
      `insert into customers (${columns.join(", ")}) select ${values.join(", ")} from staged where ${isInRange}
       order by number on conflict (company_id, email) do nothing returning 1 as one`,
      [named("defaultStatus"), ...range],
    ),
    planned,
  );

  const assignments = changed.map((column) => `${column} = ${newValue(column)}`);
  const update = prepare(
    knex.raw(
      `update customers set ${[...assignments, "changed_by = ?"].join(", ")},
         updated_at = case when customers.updated_at < ? then ? else customers.updated_at + 1 end
       from staged where ${isInRange} and ${sameEmail} and ${differsIn(changed)} returning 1 as one`,
      [named("changedBy"), named("now"), named("now"), ...range],
    ),
    planned,
  );

  const takenIds = prepare<{ number: number }>(
    knex.raw(
      `select staged.number from staged join customers on customers.position = staged.position where ${isInRange}`,
      range,
    ),
  );
  const moveRow = prepare(
    knex("staged")
      .where("number", named("number"))
      .update({ ...namedColumns(idColumns[dialect]), updated_at: named("version") }),
  );

  /**
   * SQLite: a server may have used the position of a staged row in the meantime. If so, the row gets another ID, as in
   * createCustomer.
   */
  async function moveTakenIds(rows: { after: number; upTo: number }): Promise<void> {
    for (let taken = await run(takenIds, rows); taken.length > 0; taken = await run(takenIds, rows)) {
      for (const { number } of taken) {
        const id = newCustomerId();
        await run(moveRow, { number, ...toIdValues(dialect, id), version: parseCreatedAt(id) });
      }
    }
  }

  return async (after: number, upTo: number) => {
    const rows = { after, upTo };
    const [counted] = await run(countRows, rows);
    if (!counted?.count) return { created: 0, updated: 0 };
    if (dialect === "sqlite") await moveTakenIds(rows);
    const created = (await run(insert, { ...rows, defaultStatus })).length;
    if (created === counted.count) return { created, updated: 0 };
    const updated = await run(update, { ...rows, changedBy, now: Date.now() });
    return { created, updated: updated.length };
  };
}
