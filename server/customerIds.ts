/** Ids of customers: UUIDv7 (RFC 9562), whose order is the order of the list. */
import { randomInt } from "node:crypto";
import { v7 as uuidv7 } from "uuid";

let latest = { milliseconds: 0, counter: 0 };

/**
 * A new id, greater than every id that this process has drawn before, also when the clock stands
 * still or goes back. Behind the time come 15 bits that count within a millisecond, then chance.
 */
export function newCustomerId(): string {
  const now = Date.now();
  if (now > latest.milliseconds) latest = { milliseconds: now, counter: randomInt(2 ** 14) };
  else if (latest.counter + 1 < 2 ** 15) latest.counter++;
  else latest = { milliseconds: latest.milliseconds + 1, counter: 0 };
  return uuidv7({ msecs: latest.milliseconds, seq: latest.counter * 2 ** 17 + randomInt(2 ** 17) });
}

/** Whether a text can be an id at all. PostgreSQL would also take upper case, and fail on all else. */
export function isCustomerId(text: string): boolean {
  return /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(text);
}

/** The time in an id, in milliseconds since 1970: that of the creation. */
export function createdAt(id: string): number {
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
}

/** The first 63 bits that order an id: its time, and the 15 bits behind version and variant. */
export function positionOf(id: string): bigint {
  const time = BigInt(`0x${id.slice(0, 8)}${id.slice(9, 13)}`);
  const count =
    (Number.parseInt(id.slice(15, 18), 16) << 3) | ((Number.parseInt(id.slice(19, 21), 16) & 0x3f) >> 3);
  return (time << 15n) | BigInt(count);
}
