import type { Logger } from "pino";
import { newestRevision } from "./database/migrate.ts";

const dayInMilliseconds = 86_400_000;
const yearInMilliseconds = 365 * dayInMilliseconds;

/** How often the system clock is compared with the monotonic one. */
const intervalInMilliseconds = 1_000;

/**
 * Detects a clock that is before this release, or five years after it: IDs, expiry and rate limits depend on it.
 * Returns a warning, or undefined.
 * @param now milliseconds since 1970
 */
export function checkClock(now: number): string | undefined {
  const released = Date.parse(newestRevision.slice(0, 10));
  if (now > released - dayInMilliseconds && now < released + 5 * yearInMilliseconds) return undefined;
  const unless = now > released ? ", unless this version is five years old" : "";
  return `The system clock is wrong (${new Date(now).toISOString()})${unless}: times, expiry and the order of customers will be wrong.`;
}

/** Logs a warning each time the system clock jumps by a day or more. */
export function watchClock(log: Logger): void {
  const readOffset = () => Date.now() - performance.now();
  let offset = readOffset();
  function compare(): void {
    const jump = readOffset() - offset;
    offset += jump;
    if (Math.abs(jump) < dayInMilliseconds) return;
    const days = Math.round(jump / dayInMilliseconds);
    log.warn(
      { jumpInDays: days },
      `The system clock jumped to ${new Date().toISOString()}: times, expiry and the order of customers will be wrong. If the clock was ahead and has been corrected, restart the server: until then, new customers get the later time.`,
    );
  }
  setInterval(compare, intervalInMilliseconds).unref();
}
