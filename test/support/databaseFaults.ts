/** Ways to break a database under a running server, for either engine. */
import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
import Sqlite from "better-sqlite3";
import pg from "pg";
import { execute } from "./postgres.ts";

/** The server; only its database is changed. */
interface Server {
  databaseUrl: string;
}

/** Renames a column that every operation needs, so that statements fail although the database works. */
export async function breakSchema(server: Server): Promise<void> {
  await executeOn(server, "alter table customers rename column company_id to elsewhere");
}

/** Removes what every write needs of the audit trail. */
export async function breakAuditTrail(server: Server): Promise<void> {
  // SQLite would also rename the column in the triggers.
  const isPostgres = server.databaseUrl.startsWith("postgres");
  const sql = "alter table audit_entries rename column changed_by to elsewhere";
  await executeOn(server, isPostgres ? sql : "drop table audit_entries");
}

async function executeOn(server: Server, sql: string): Promise<void> {
  if (server.databaseUrl.startsWith("postgres")) return execute(server.databaseUrl, sql);
  const other = new Sqlite(findFile(server));
  other.exec(sql);
  other.close();
}

/** Sets a status that is not in the contract, bypassing the constraint that would reject it. */
export async function breakStatus(server: Server): Promise<void> {
  const sql = "update customers set status = 'SECRET-STATUS'";
  if (server.databaseUrl.startsWith("postgres"))
    return execute(
      server.databaseUrl,
      `alter table customers drop constraint customers_status_check; ${sql}`,
    );
  const other = new Sqlite(findFile(server));
  other.pragma("ignore_check_constraints = on");
  other.exec(sql);
  other.close();
}

/**
 * SQLite: overwrites the file, and makes the server read it again. PostgreSQL: closes and rejects all connections.
 * @returns a function that repairs it
 */
export async function damageDatabase(server: Server): Promise<() => Promise<void>> {
  if (server.databaseUrl.startsWith("postgres")) {
    const url = new URL(server.databaseUrl);
    const name = url.pathname.slice(1);
    url.pathname = "/postgres";
    await execute(url.href, `alter database ${name} with allow_connections false`);
    await execute(
      url.href,
      `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}'`,
    );
    return () => execute(url.href, `alter database ${name} with allow_connections true`);
  }
  const file = findFile(server);
  const other = new Sqlite(file);
  // A write of another connection makes the server forget the pages that it has read; without the
  // truncation it would find the new ones in the write-ahead log.
  other.exec("update api_keys set name = 'damaged'");
  other.pragma("wal_checkpoint(TRUNCATE)");
  const pageSize = Number(other.pragma("page_size", { simple: true }));
  other.close();
  // All pages except the first, which contains the schema.
  const pages = readFileSync(file).subarray(pageSize);
  overwrite(Buffer.alloc(pages.length, 0xff));
  return async () => overwrite(pages);

  function overwrite(bytes: Buffer): void {
    const descriptor = openSync(file, "r+");
    writeSync(descriptor, bytes, 0, null, pageSize);
    closeSync(descriptor);
  }
}

/** Locks customers against other writers. Returns a function that unlocks them. */
export async function lockDatabase(server: Server): Promise<() => Promise<void>> {
  if (server.databaseUrl.startsWith("postgres")) {
    const other = new pg.Client(server.databaseUrl);
    await other.connect();
    await other.query("begin");
    await other.query("lock table customers in share mode");
    return () => other.end();
  }
  const other = new Sqlite(findFile(server));
  other.exec("begin immediate");
  return async () => void other.close();
}

/** The file of a server on SQLite. */
export function findFile(server: Server): string {
  return server.databaseUrl.slice("sqlite:".length);
}
