/** Deletes in the background what is no longer kept. */
import type { Logger } from "pino";
import type { Database } from "./database/database.ts";
import { deleteExpiredKeys } from "./idempotencyKeys.ts";
import { pruneAuditTrail } from "./pruneAuditTrail.ts";

const minuteInMilliseconds = 60_000;
const dayInMilliseconds = 86_400_000;

/**
 * Deletes expired idempotency keys each minute, and old entries of the audit trail each hour, beginning with the
 * first minute. Returns what stops that.
 */
export function startCleanup(
  database: Database,
  log: Logger,
  auditRetentionDays: number | false = false,
): () => void {
  let minutes = 0;
  const timer = setInterval(() => {
    deleteExpiredKeys(database).catch((err) => log.warn({ err }, "cannot delete expired idempotency keys"));
    if (auditRetentionDays === false || minutes++ % 60 > 0) return;
    pruneAuditTrail(database, Date.now() - auditRetentionDays * dayInMilliseconds).catch((err) =>
      log.warn({ err }, "cannot delete old entries of the audit trail"),
    );
  }, minuteInMilliseconds).unref();
  return () => clearInterval(timer);
}
