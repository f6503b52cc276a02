/** Parsers of the options that several commands have. */
import { InvalidArgumentError, Option } from "commander";
import { isCustomerId } from "../customerIds.ts";
import { isoTime } from "../isoTime.ts";

/** `--company <slug>`, which must be given. */
export function companyOption(description = "slug of the company"): Option {
  return new Option("--company <slug>", description).argParser(parseText).makeOptionMandatory();
}

/** Any text but an empty one. */
export function parseText(text: string): string {
  if (text === "") throw new InvalidArgumentError("It is empty.");
  return text;
}

/** The id of a customer. */
export function parseCustomerId(text: string): string {
  if (!isCustomerId(text)) throw new InvalidArgumentError("It is not the id of a customer.");
  return text;
}

/** A time with its zone, or a date, which begins at midnight UTC. Returns milliseconds since 1970. */
export function parseTime(text: string): number {
  const isTime = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d))?$/.test(text);
  const time = isTime ? Date.parse(text) : Number.NaN;
  // Date.parse takes February 30 for March 2.
  const hasDate = !Number.isNaN(time) && isoTime(Date.parse(text.slice(0, 10))).startsWith(text.slice(0, 10));
  if (!hasDate)
    throw new InvalidArgumentError("Give a date or a time with its zone, as in 2027-01-01T00:00:00Z.");
  return time;
}

const unitsInMilliseconds: Record<string, number> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** A duration such as `90d`, `24h`, `30m` or `10s`. Returns milliseconds. */
export function parseDuration(text: string): number {
  const [, count, unit = ""] = /^([0-9]{1,6})([smhd])$/.exec(text) ?? [];
  const milliseconds = Number(count) * (unitsInMilliseconds[unit] ?? Number.NaN);
  if (Number.isNaN(milliseconds))
    throw new InvalidArgumentError("Give a duration, as in 90d, 24h, 30m or 10s.");
  return milliseconds;
}

/** When a key expires: a duration from now, or a time in the future. Returns milliseconds since 1970. */
export function parseExpiry(text: string): number {
  const expiresAt = /^[0-9]+[smhd]$/.test(text) ? Date.now() + parseDuration(text) : parseTime(text);
  if (expiresAt <= Date.now()) throw new InvalidArgumentError("It is in the past.");
  return expiresAt;
}

/** Returns a parser of integers in a range. */
export function parseInteger(minimum: number, maximum: number): (text: string) => number {
  return (text) => {
    const value = /^[0-9]+$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= minimum && value <= maximum))
      throw new InvalidArgumentError(`Give a number from ${minimum} to ${maximum}.`);
    return value;
  };
}
