/** Locks and transactions of PostgreSQL. */
import type pg from "pg";
import type { Database } from "../../server/database/database.ts";

/** Counts the connections to the same database that wait for a lock. */
export async function countWaitingForLocks(connection: pg.Client): Promise<number> {
  await connection.query("select pg_stat_clear_snapshot()");
  const { rows } = await connection.query(
    "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
  );
  return rows.length;
}

/** Lists the transactions that have written the current versions of the customers. */
export function listTransactions({ database }: { database: Database }): Promise<unknown[]> {
  const { knex, prepare, read } = database;
  return read(prepare(knex("customers").distinct(knex.raw("xmin::text"))), {});
}
