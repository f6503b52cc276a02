import type { Database } from "./database/database.ts";
import { deleteReturning } from "./database/deleteReturning.ts";
import { named } from "./database/statement.ts";

/** How many entries are deleted in one transaction, so that other writes never wait long. */
const batchSize = 500;

/**
 * Deletes audit trail entries before a time, in small transactions. Several processes may do so at once.
 * @param before milliseconds since 1970
 * @returns how many were deleted
 * @throws {UnavailableError} when the database is unavailable; entries deleted by then stay deleted
 */
export async function pruneAuditTrail(
  { knex, prepare, read, write }: Database,
  before: number,
): Promise<number> {
  const companies = prepare<{ id: string }>(knex("companies").select("id"));
  const prunings = [
    { table: "audit_entries", key: ["company_id", "changed_at", "customer_id"] },
    { table: "operator_entries", key: ["id"] },
  ].map(({ table, key }) => {
    const old = () =>
      knex(table).where("company_id", named("companyId")).where("changed_at", "<", named("before"));
    return {
      any: prepare(old().select("changed_at").limit(1)),
      deletion: prepare(
        deleteReturning(
          knex,
          knex(table).whereIn(key, old().select(key).orderBy(key).limit(batchSize)),
          "changed_at",
        ),
      ),
    };
  });
  let deleted = 0;
  for (const { id: companyId } of await read(companies, {})) {
    const values = { companyId, before };
    for (const { any, deletion } of prunings) {
      // A write takes a lock even if there is nothing to delete.
      while ((await read(any, values)).length > 0) {
        const result = await write([{ statement: deletion, values }]);
        if ("failedStep" in result) break;
        deleted += result.rows[0].length;
      }
    }
  }
  return deleted;
}
