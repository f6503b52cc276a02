/**
 * Stores and deletes idempotency keys, each with the request that used it. The response is not stored: it can be
 * rebuilt byte for byte from the same body and the ID of the customer. So a release that changes the response to a
 * create must still be able to build the old response for keys that were used before.
 */
import type { Database, Step } from "./database/database.ts";
import { named, namedColumns } from "./database/statement.ts";

/** How long an idempotency key is kept, as stated in the contract. */
const replayWindowInMilliseconds = 24 * 60 * 60 * 1000;

/** How many keys are deleted at a time, so that other writes never wait long. */
const batchSize = 200;

/** The request that used a key, and the customer that it created. */
interface FirstRequest {
  bodySha256: string;
  customerId: string;
}

/** Creates the statements on the idempotency keys of a database. */
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
    /** The step that claims a key, if it is unused or has expired. */
    buildClaim(claim: FirstRequest & { companyId: string; key: string }): Step<{ key: string }> {
      const now = Date.now();
      const values = {
        company_id: claim.companyId,
        key: claim.key,
        body_sha256: claim.bodySha256,
        customer_id: claim.customerId,
        created_at: now,
        expiredBefore: now - replayWindowInMilliseconds,
      };
      return { statement: insert, values };
    },

    /** Returns the request that used a key, or undefined. */
    async get(companyId: string, key: string): Promise<FirstRequest | undefined> {
      const [first] = await read(select, { companyId, key });
      return first;
    },
  };
}

/**
 * Deletes expired keys. Several processes may do so at once.
 * @throws {UnavailableError} when the database is unavailable; keys deleted by then stay deleted
 */
export async function deleteExpiredKeys({ knex, prepare, read, write }: Database): Promise<void> {
  const expired = () =>
    knex("idempotency_keys").where("created_at", "<=", named("expiredBefore")).orderBy("created_at");
  const anyExpired = prepare(expired().select("key").limit(1));
  const deletion = prepare(
    knex("idempotency_keys")
      .whereIn(["company_id", "key"], expired().select("company_id", "key").limit(batchSize))
      // Checked again once the row is locked: the key may have been claimed again in the meantime.
      .where("created_at", "<=", named("expiredBefore"))
      .delete()
      .returning("key"),
  );
  const values = { expiredBefore: Date.now() - replayWindowInMilliseconds };
  // A write takes a lock even if there is nothing to delete.
  while ((await read(anyExpired, values)).length > 0) await write([{ statement: deletion, values }]);
}
