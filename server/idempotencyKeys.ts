/** Idempotency keys: the responses that are kept under them, for how long, and their deletion. */
import type { Database, Step } from "./database/database.ts";
import { named, namedColumns } from "./database/statement.ts";

/** How long the response under an idempotency key is kept; the contract states it. */
const replayWindowInMilliseconds = 24 * 60 * 60 * 1000;

/** So many are deleted at once, so that no other write waits for long. */
const batchSize = 200;

/** The response under a key, and what it belongs to. */
interface KeptResponse {
  bodySha256: string;
  customerId: string;
  entityTag: string;
  response: string;
}

/** The idempotency keys of a database. */
export function createIdempotencyKeys({ knex, prepare, read }: Database) {
  const columns = [
    ...["company_id", "key", "body_sha256", "customer_id"],
    ...["entity_tag", "response", "created_at"],
  ];
  const insert = prepare<{ key: string }>(
    knex("idempotency_keys")
      .insert(namedColumns(columns))
      .onConflict(["company_id", "key"])
      .merge()
      .where("idempotency_keys.created_at", "<=", named("expiredBefore"))
      .returning("key"),
  );
  const select = prepare<KeptResponse>(
    knex("idempotency_keys")
      .where("company_id", named("companyId"))
      .where("key", named("key"))
      .select({
        ...{ bodySha256: "body_sha256", customerId: "customer_id" },
        ...{ entityTag: "entity_tag", response: "response" },
      }),
  );

  return {
    /** The step that takes a key which is new or has expired, with the response to be kept. */
    take(taken: KeptResponse & { companyId: string; key: string }): Step<{ key: string }> {
      const now = Date.now();
      const values = {
        ...{ company_id: taken.companyId, key: taken.key, body_sha256: taken.bodySha256 },
        ...{ customer_id: taken.customerId, entity_tag: taken.entityTag, response: taken.response },
        ...{ created_at: now, expiredBefore: now - replayWindowInMilliseconds },
      };
      return { statement: insert, values };
    },

    /** What is kept under a key, or undefined. */
    async get(companyId: string, key: string): Promise<KeptResponse | undefined> {
      const [kept] = await read(select, { companyId, key });
      return kept;
    },
  };
}

/**
 * Deletes the keys that have expired, and with them the responses, which are customers' data. Several processes may
 * do so at once.
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
