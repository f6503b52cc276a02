/** `distribu backup`: copies a SQLite database to a file while servers write to it. */
import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync } from "node:fs";
import { dirname, resolve } from "node:path";
import SqliteConnection from "better-sqlite3";
import type { Command } from "commander";
import { readConfig } from "../config.ts";
import { parseSqliteUrl } from "../database/connect.ts";
import { describeUrl } from "../database/describeUrl.ts";
import { CommandError } from "../errors.ts";
import { UsageError } from "./usageError.ts";

/** Defines `distribu backup`. */
export function define(command: Command): void {
  command
    .description(
      "Copies the SQLite database to a new file, while servers run: the state of one moment, checked.",
    )
    .argument("<file>", "the file to create; an existing one is never overwritten")
    .addHelpText(
      "after",
      "\nTo restore, stop the servers and replace the database by the file; remove its -wal and -shm files." +
        "\nPostgreSQL is backed up with pg_dump.",
    )
    .action((target: string) => {
      const { url } = readConfig(process.env).database;
      console.error(`Database: ${describeUrl(url)}`);
      const source = parseSqliteUrl(url);
      if (source === undefined || source === ":memory:")
        throw new UsageError("DATABASE_URL names no SQLite file; back up PostgreSQL with pg_dump");
      backUp(source, target);
      console.error(`Backed up to ${resolve(target)}.`);
    });
}

/**
 * Writes the state of one moment: everything acknowledged before, and each concurrent write as a whole or not at
 * all. The file gets its name only once it is complete, checked and on the disk.
 * @param source the file of the database; it is only read, and not migrated
 * @throws {CommandError} when there is no such database, or the target exists; leaves both unchanged
 */
export function backUp(source: string, target: string): void {
  if (!existsSync(source)) throw new CommandError(`There is no database at ${resolve(source)}`);
  const partial = `${target}.part`;
  for (const file of [target, partial]) assertFree(file);
  const connection = new SqliteConnection(source, { readonly: true, timeout: 30_000 });
  try {
    // Readable by its owner alone; SQLite accepts an empty file.
    closeSync(openSync(partial, "wx", 0o600));
    // Not SQLite's backup API: it restarts whenever another process writes, and would never finish.
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

/** @throws {CommandError} when the file is damaged */
function check(file: string): void {
  const copy = new SqliteConnection(file, { readonly: true });
  const found = copy.pragma("integrity_check", { simple: true });
  copy.close();
  if (found !== "ok") throw new CommandError(`The copy is damaged, and perhaps the database too: ${found}`);
}

/** SQLite leaves it to the operating system when such a copy reaches the disk. */
function flush(file: string): void {
  const descriptor = openSync(file, "r");
  fsyncSync(descriptor);
  closeSync(descriptor);
}
