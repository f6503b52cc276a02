import type pg from "pg";
import { isHealthy } from "./postgresErrors.ts";

/** Runs work in a transaction; rolls back if it fails. */
export async function inTransaction<Result>(
  connection: pg.Client,
  begin: string,
  work: () => Promise<Result>,
): Promise<Result> {
  await connection.query(begin);
  try {
    const result = await work();
    await connection.query("commit");
    return result;
  } catch (error) {
    if (isHealthy(error)) await connection.query("rollback");
    throw error;
  }
}
