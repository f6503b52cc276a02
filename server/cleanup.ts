/** Deletes expired data in the background. */
import type { Logger } from "pino";
import type { Database } from "./database/database.ts";
import { deleteExpiredKeys } from "./idempotencyKeys.ts";
import { pruneAuditTrail } from "./pruneAuditTrail.ts";

const minuteInMilliseconds = 60_000;
const dayInMilliseconds = 86_400_000;

/**
 * Deletes expired idempotency keys every minute, and old audit trail entries every hour, starting after the first
 * minute. Returns a function that stops the cleanup.
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
      log.warn({ err }, "cannot delete old audit trail entries"),
    );
  }, minuteInMilliseconds).unref();
  return () => clearInterval(timer);
}
