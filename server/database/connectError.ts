import { resolve } from "node:path";
import { MissingDatabaseError, UnavailableError } from "../errors.ts";
import { parseSqliteUrl } from "./connect.ts";
import { parsePostgresAddress } from "./describeUrl.ts";

/**
 * Explains on one line why a database could not be opened: its address, and what the driver or PostgreSQL reported.
 * Neither reports passwords.
 * @param error what `connectDatabase` threw
 */
export function explainConnectError(url: string, error: unknown): string {
  if (error instanceof MissingDatabaseError) return error.message;
  const cause = error instanceof UnavailableError && error.cause ? error.cause : error;
  const file = parseSqliteUrl(url);
  if (file !== undefined) return `Cannot open the database ${resolve(file)}: ${getReason(cause)}`;
  if (!URL.canParse(url)) return `Cannot reach PostgreSQL: DATABASE_URL is not a valid URL`;
  const { host, port } = parsePostgresAddress(url);
  const failure = error instanceof UnavailableError ? "Cannot reach" : "Cannot use";
  return `${failure} PostgreSQL at ${host}:${port}: ${getReason(cause)}`;
}

function getReason(error: unknown): string {
  // For a host name with several addresses, the error has an empty message, and contains one error for each address.
  if (error instanceof AggregateError && error.errors.length > 0)
    return [...new Set(error.errors.map(getReason))].join(", ");
  if (!(error instanceof Error)) return String(error);
  return error.message || (error as NodeJS.ErrnoException).code || error.name;
}
