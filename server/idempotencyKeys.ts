/** How long the answers under idempotency keys are kept, and their end. */
import type { Database } from "./database/connect.ts";

/** How long the answer to an idempotency key is kept, as the contract says. */
export const replayWindowInMilliseconds = 24 * 60 * 60 * 1000;

/** So many are deleted at once, so that no other write waits for long. */
const batchSize = 200;

/**
 * Deletes the keys that have lapsed, and with them the answers, which are customers' data. Several processes may
 * do so at once.
 * @throws {UnavailableError} when the database is; what is deleted by then stays so
 */
export async function forgetLapsedKeys({ knex, prepare, read, write }: Database): Promise<void> {
  const lapsed = () =>
    knex("idempotency_keys").where("created_at", "<=", ":lapsedBefore").orderBy("created_at");
  const anyLapsed = prepare(lapsed().select("key").limit(1));
  const forget = prepare(
    knex("idempotency_keys")
      .whereIn(["company_id", "key"], lapsed().select("company_id", "key").limit(batchSize))
      // Looked at again once its row is locked: it may have been taken anew meanwhile.
      .where("created_at", "<=", ":lapsedBefore")
      .delete()
      .returning("key"),
  );
  const values = { lapsedBefore: Date.now() - replayWindowInMilliseconds };
  // A write takes a lock, also where there is nothing to delete.
  while ((await read(anyLapsed, values)).length > 0) await write([{ statement: forget, values }]);
}
