import { resolve } from "node:path";
import { parseSqliteUrl } from "./connect.ts";

/**
 * Formats a database URL for the operator: the absolute path of a SQLite file, or user, host, port and name of a
 * PostgreSQL database. The result never contains the password, or the URL's parameters, which may contain one.
 */
export function describeUrl(url: string): string {
  const file = parseSqliteUrl(url);
  if (file === ":memory:") return url;
  if (file !== undefined) return `sqlite:${resolve(file)}`;
  if (!URL.canParse(url)) return "postgres://(invalid URL)";
  const { username, pathname } = new URL(url);
  const { host, port } = parsePostgresAddress(url);
  return `postgres://${username && `${username}@`}${host}:${port}${pathname}`;
}

/** Returns the address in a PostgreSQL URL, with libpq's defaults. The host may be the directory of a Unix socket. */
export function parsePostgresAddress(url: string): { host: string; port: string } {
  const { hostname, port, searchParams } = new URL(url);
  return {
    host: searchParams.get("host") || decodeURIComponent(hostname) || "localhost",
    port: port || searchParams.get("port") || "5432",
  };
}
