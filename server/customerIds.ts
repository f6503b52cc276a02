/** Customer IDs: UUIDv7 (RFC 9562), whose order is the order of the list. */
import { randomInt } from "node:crypto";
import { v7 as uuidv7 } from "uuid";

let latest = { milliseconds: 0, counter: 0 };

/**
 * Generates an ID greater than every ID that this process has generated before, even if the clock stands still or goes
 * back. The time is followed by a 15-bit counter within the millisecond and by random bits.
 */
export function newCustomerId(): string {
  const now = Date.now();
  if (now > latest.milliseconds) latest = { milliseconds: now, counter: randomInt(2 ** 14) };
  else if (latest.counter + 1 < 2 ** 15) latest.counter++;
  else latest = { milliseconds: latest.milliseconds + 1, counter: 0 };
  return uuidv7({ msecs: latest.milliseconds, seq: latest.counter * 2 ** 17 + randomInt(2 ** 17) });
}

/** Whether a text can be an ID. PostgreSQL would also accept upper case, and fail on any other text. */
export function isCustomerId(text: string): boolean {
  return /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(text);
}

/** The time of creation in an ID, in milliseconds since 1970. */
export function parseCreatedAt(id: string): number {
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
}

/** The position of an ID in the list, as 63 bits: its time and its 15-bit counter, without version and variant. */
export function toPosition(id: string): bigint {
  const time = BigInt(`0x${id.slice(0, 8)}${id.slice(9, 13)}`);
  const count =
    (Number.parseInt(id.slice(15, 18), 16) << 3) | ((Number.parseInt(id.slice(19, 21), 16) & 0x3f) >> 3);
  return (time << 15n) | BigInt(count);
}
