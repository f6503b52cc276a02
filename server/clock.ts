import { newestRevision } from "./database/migrate.ts";

const yearInMilliseconds = 365 * 86_400_000;

/**
 * What is wrong with a clock that is years off, or undefined. Ids, expiry and rate limits depend on it.
 * @param now milliseconds since 1970
 */
export function checkClock(now: number): string | undefined {
  const released = Date.parse(newestRevision.slice(0, 10));
  if (now > released - 86_400_000 && now < released + 20 * yearInMilliseconds) return undefined;
  return `The clock says ${new Date(now).toISOString()}, which is years off: times, expiry and the order of customers will be wrong.`;
}
