/** `distribu backup`: copies a SQLite database to a file while servers are writing to it. */
import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync } from "node:fs";
import { dirname, resolve } from "node:path";
import SqliteConnection from "better-sqlite3";
import type { Command } from "commander";
import { readConfig } from "../config.ts";
import { parseSqliteUrl } from "../database/connect.ts";
import { describeUrl } from "../database/describeUrl.ts";
import { findOwner } from "../database/sqliteOwner.ts";
import { CommandError } from "../errors.ts";
import { UsageError } from "./usageError.ts";

/** Defines `distribu backup`. */
export function define(command: Command): void {
  command
    .description(
      "Copies the SQLite database to a new file, while servers keep running: a consistent snapshot, checked for integrity.",
    )
    .argument("<file>", "file to create; an existing file is never overwritten")
    .addHelpText(
      "after",
      "\nTo restore, stop the servers, replace the database file with the backup and remove its -wal and -shm files." +
        "\nUse pg_dump to back up PostgreSQL.",
    )
    .action((target: string) => {
      const { url } = readConfig(process.env).database;
      console.error(`Database: ${describeUrl(url)}`);
      const source = parseSqliteUrl(url);
      if (source === undefined || source === ":memory:")
        throw new UsageError("DATABASE_URL is not a SQLite file; use pg_dump to back up PostgreSQL");
      backUp(source, target);
      console.error(`Backed up to ${resolve(target)}.`);
    });
}

/**
 * Writes a consistent snapshot: it contains everything acknowledged before it began, and each concurrent write either
 * completely or not at all. The file gets its final name only once it is complete, checked and flushed to disk.
 * @param source the database file, which is only read, never migrated
 * @throws {CommandError} if the database does not exist or the target does; both stay unchanged
 */
export function backUp(source: string, target: string): void {
  if (!existsSync(source)) throw new CommandError(`There is no database at ${resolve(source)}`);
  const partial = `${target}.part`;
  for (const file of [target, partial]) assertFree(file);
  const connection = new SqliteConnection(source, { readonly: true, timeout: 30_000 });
  try {
    if (findOwner(connection) !== "us") throw new CommandError(`There is no database at ${resolve(source)}`);
    // Only its owner can read it; SQLite accepts an empty file.
    closeSync(openSync(partial, "wx", 0o600));
    // Not SQLite's backup API: it starts over whenever another process writes, so it might never finish.
    connection.prepare("vacuum into ?").run(partial);
    check(partial);
    flush(partial);
    assertFree(target);
    renameSync(partial, target);
    flush(dirname(target));
  } finally {
    connection.close();
    rmSync(partial, { force: true });
  }
}

function assertFree(file: string): void {
  if (existsSync(file)) throw new CommandError(`${file} exists; a backup never overwrites a file`);
}

/** @throws {CommandError} if the file is damaged */
function check(file: string): void {
  const copy = new SqliteConnection(file, { readonly: true });
  const found = copy.pragma("integrity_check", { simple: true });
  copy.close();
  if (found !== "ok") throw new CommandError(`The backup is damaged, and the database may be too: ${found}`);
}

/** `vacuum into` leaves flushing the file to the operating system. */
function flush(file: string): void {
  const descriptor = openSync(file, "r");
  fsyncSync(descriptor);
  closeSync(descriptor);
}
