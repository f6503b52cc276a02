import { newestRevision } from "./database/migrate.ts";

const yearInMilliseconds = 365 * 86_400_000;

/**
 * Detects a clock that is years off: IDs, expiry and rate limits depend on it. Returns a warning, or undefined.
 * @param now milliseconds since 1970
 */
export function checkClock(now: number): string | undefined {
  const released = Date.parse(newestRevision.slice(0, 10));
  if (now > released - 86_400_000 && now < released + 20 * yearInMilliseconds) return undefined;
  return `The system clock is years off (${new Date(now).toISOString()}): times, expiry and the order of customers will be wrong.`;
}
