/** Locks of PostgreSQL. */
import type pg from "pg";

/** Counts the connections to the same database that wait for a lock. */
export async function countWaitingForLocks(connection: pg.Client): Promise<number> {
  await connection.query("select pg_stat_clear_snapshot()");
  const { rows } = await connection.query(
    "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
  );
  return rows.length;
}
