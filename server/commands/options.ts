/** Parsers of the options that several commands share. */
import { InvalidArgumentError, Option } from "commander";
import { isCustomerId } from "../customerIds.ts";
import { formatIsoTime } from "../formatIsoTime.ts";
import { variables } from "../variables.ts";

/** The required option `--company <slug>`. */
export function companyOption(description = "slug of the company"): Option {
  return new Option("--company <slug>", description).argParser(parseText).makeOptionMandatory();
}

/** Any text that is not empty. */
export function parseText(text: string): string {
  if (text === "") throw new InvalidArgumentError("It must not be empty.");
  return text;
}

/** The URL of a database. */
export function parseDatabaseUrl(text: string): string {
  const url = variables.DATABASE_URL.parse(text);
  if (url === undefined)
    throw new InvalidArgumentError("Expected sqlite:<file> or postgres://user:password@host/database.");
  return url;
}

/** The ID of a customer. */
export function parseCustomerId(text: string): string {
  if (!isCustomerId(text)) throw new InvalidArgumentError("Not a customer ID.");
  return text;
}

/** A time with a time zone, or a date, which means midnight UTC. Returns milliseconds since 1970. */
export function parseTime(text: string): number {
  const isTime = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d))?$/.test(text);
  const time = isTime ? Date.parse(text) : Number.NaN;
  // Date.parse reads February 30 as March 2.
  const hasDate =
    !Number.isNaN(time) && formatIsoTime(Date.parse(text.slice(0, 10))).startsWith(text.slice(0, 10));
  if (!hasDate)
    throw new InvalidArgumentError("Expected a date or a time with a zone, such as 2027-01-01T00:00:00Z.");
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
    throw new InvalidArgumentError("Expected a duration such as 90d, 24h, 30m or 10s.");
  return milliseconds;
}

/** The expiry of a key: a duration from now, or a time in the future. Returns milliseconds since 1970. */
export function parseExpiry(text: string): number {
  const expiresAt = /^[0-9]+[smhd]$/.test(text) ? Date.now() + parseDuration(text) : parseTime(text);
  if (expiresAt <= Date.now()) throw new InvalidArgumentError("It must be in the future.");
  return expiresAt;
}

/** Returns a parser of integers in a range. */
export function parseInteger(minimum: number, maximum: number): (text: string) => number {
  return (text) => {
    const value = /^[0-9]+$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= minimum && value <= maximum))
      throw new InvalidArgumentError(`Expected a number from ${minimum} to ${maximum}.`);
    return value;
  };
}
