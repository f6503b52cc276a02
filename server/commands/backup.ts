/** Copies a SQLite database to a file while servers write to it. */
import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import SqliteConnection from "better-sqlite3";
import { CommandError } from "../errors.ts";

/**
 * Writes the state of one moment: what was acknowledged before is in it, and of what is written meanwhile all
 * or nothing of each write. The file has its name only once it is complete, checked and on the disk.
 * @param source the file of the database; it is only read, and brought to no newer version
 * @throws {CommandError} when there is no such database, or the target exists, and leaves both as they are
 */
export function backUp(source: string, target: string): void {
  if (!existsSync(source)) throw new CommandError(`There is no database ${source}`);
  const partial = `${target}.part`;
  for (const file of [target, partial]) refuse(file);
  const connection = new SqliteConnection(source, { readonly: true, timeout: 30_000 });
  try {
    // For nobody else's eyes; SQLite takes an empty file as it is.
    closeSync(openSync(partial, "wx", 0o600));
    // Not SQLite's backup API: it begins anew whenever another process writes, and would never end.
    connection.prepare("vacuum into ?").run(partial);
    check(partial);
    flush(partial);
    refuse(target);
    renameSync(partial, target);
    flush(dirname(target));
  } finally {
    connection.close();
    rmSync(partial, { force: true });
  }
}

function refuse(file: string): void {
  if (existsSync(file)) throw new CommandError(`${file} exists; a backup overwrites nothing`);
}

/** @throws {CommandError} when the file is no whole database */
function check(file: string): void {
  const copy = new SqliteConnection(file, { readonly: true });
  const found = copy.pragma("integrity_check", { simple: true });
  copy.close();
  if (found !== "ok")
    throw new CommandError(`The copy is damaged, and with it perhaps the database: ${found}`);
}

/** SQLite leaves it to the system when what it writes so reaches the disk. */
function flush(file: string): void {
  const descriptor = openSync(file, "r");
  fsyncSync(descriptor);
  closeSync(descriptor);
}
