/**
 * Idempotency keys: the request that has used each, for how long it is kept, and the deletion. The response is not kept:
 * the same body and the id of the customer give it again, byte for byte. A release that changes the response to a create
 * must go on giving the old one to the keys that were used before.
 */
import type { Database, Step } from "./database/database.ts";
import { named, namedColumns } from "./database/statement.ts";

/** How long an idempotency key is kept; the contract states it. */
const replayWindowInMilliseconds = 24 * 60 * 60 * 1000;

/** So many are deleted at once, so that no other write waits for long. */
const batchSize = 200;

/** The request that has used a key, and the customer that it has created. */
interface FirstRequest {
  bodySha256: string;
  customerId: string;
}

/** The idempotency keys of a database. */
export function createIdempotencyKeys({ knex, prepare, read }: Database) {
  const columns = ["company_id", "key", "body_sha256", "customer_id", "created_at"];
  const insert = prepare<{ key: string }>(
    knex("idempotency_keys")
      .insert(namedColumns(columns))
      .onConflict(["company_id", "key"])
      .merge()
      .where("idempotency_keys.created_at", "<=", named("expiredBefore"))
      .returning("key"),
  );
  const select = prepare<FirstRequest>(
    knex("idempotency_keys")
      .where("company_id", named("companyId"))
      .where("key", named("key"))
      .select({ bodySha256: "body_sha256", customerId: "customer_id" }),
  );

  return {
    /** The step that takes a key which is new or has expired. */
    take(taken: FirstRequest & { companyId: string; key: string }): Step<{ key: string }> {
      const now = Date.now();
      const values = {
        ...{ company_id: taken.companyId, key: taken.key, body_sha256: taken.bodySha256 },
        ...{ customer_id: taken.customerId, created_at: now },
        expiredBefore: now - replayWindowInMilliseconds,
      };
      return { statement: insert, values };
    },

    /** The request that has used a key, or undefined. */
    async get(companyId: string, key: string): Promise<FirstRequest | undefined> {
      const [first] = await read(select, { companyId, key });
      return first;
    },
  };
}

/**
 * Deletes the keys that have expired. Several processes may do so at once.
 * @throws {UnavailableError} when the database is; what is deleted by then stays deleted
 */
export async function deleteExpiredKeys({ knex, prepare, read, write }: Database): Promise<void> {
  const expired = () =>
    knex("idempotency_keys").where("created_at", "<=", named("expiredBefore")).orderBy("created_at");
  const anyExpired = prepare(expired().select("key").limit(1));
  const deletion = prepare(
    knex("idempotency_keys")
      .whereIn(["company_id", "key"], expired().select("company_id", "key").limit(batchSize))
      // Compared again once its row is locked: it may have been taken anew meanwhile.
      .where("created_at", "<=", named("expiredBefore"))
      .delete()
      .returning("key"),
  );
  const values = { expiredBefore: Date.now() - replayWindowInMilliseconds };
  // A write takes a lock, also where there is nothing to delete.
  while ((await read(anyExpired, values)).length > 0) await write([{ statement: deletion, values }]);
}
