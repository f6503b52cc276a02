/**
 * Creates the files of a SQLite database and detects when they are deleted, replaced or truncated: SQLite keeps using
 * such files without an error.
 */
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  type Stats,
  statSync,
} from "node:fs";
import { dirname } from "node:path";
import { SchemaError, UnavailableError } from "../errors.ts";

/** How often the files are checked while nothing is written. */
const intervalInMilliseconds = 1_000;

/** The files of an open database. */
export interface SqliteFiles {
  /**
   * Compares device and inode of each file with those at startup, and detects a truncated database file.
   * @throws {UnavailableError} when one was deleted, replaced or truncated
   */
  compare(): void;
  /**
   * Does the same before a commit, but only for the database and its log.
   * @throws {UnavailableError} when one was deleted, replaced or truncated
   */
  beforeCommit(): void;
  /**
   * Reuses the result of the last comparison, at most a second old.
   * @throws {UnavailableError} when one was deleted, replaced or truncated
   */
  check(): void;
  stopWatching(): void;
}

/**
 * Watches the database file, its write-ahead log and the log's index, because writes to a deleted file are lost. The
 * files must exist. They are never opened here, because closing them would release SQLite's locks.
 */
export function watchSqliteFiles(file: string): SqliteFiles {
  if (file === ":memory:") return { compare() {}, beforeCommit() {}, check() {}, stopWatching() {} };
  const names = [file, `${file}-wal`, `${file}-shm`];
  const opened = names.map((name) => statSync(name, { throwIfNoEntry: false }));
  let isInPlace = true;
  let isTruncated = false;

  /** Takes 2 to 4 microseconds for each file. */
  function areSame(count: number): boolean {
    for (let index = 0; index < count; index++) {
      const found = identify(names[index] as string);
      const { dev, ino } = opened[index] ?? {};
      if (found?.ino !== ino || found?.dev !== dev) return false;
      // Only the database: a checkpoint of another program may empty the log. A database in WAL mode has at least one
      // page. This state is final, because the log does not belong to anything copied into the file later.
      if (index === 0 && found?.size === 0) isTruncated = true;
    }
    return true;
  }
  function compareAll(): void {
    isInPlace = areSame(names.length);
  }
  function check(): void {
    if (isTruncated)
      throw new UnavailableError("the database file was truncated: stop the server and restore a backup");
    if (!isInPlace)
      throw new UnavailableError("the database file was deleted or replaced: restart the server");
  }

  const timer = setInterval(compareAll, intervalInMilliseconds).unref();
  return {
    beforeCommit() {
      // A commit writes to the log and, at a checkpoint, to the file.
      if (!areSame(2)) isInPlace = false;
      check();
    },
    compare() {
      compareAll();
      check();
    },
    check,
    stopWatching: () => clearInterval(timer),
  };
}

function identify(name: string): Stats | undefined {
  try {
    return statSync(name, { throwIfNoEntry: false });
  } catch {
    // The directory is no longer accessible.
    return undefined;
  }
}

/**
 * Rejects a file that was emptied, moved or deleted: SQLite would create a new database, and delete the log of the old
 * one. An empty file with an empty log, or with none, is the result of a startup that was killed.
 * @throws {SchemaError} when the file is empty or missing, and its write-ahead log is not
 */
export function rejectLogWithoutFile(file: string): void {
  // The log first: a server that creates the database at this moment writes to the file before it has a log.
  const hasLog = (identify(`${file}-wal`)?.size ?? 0) > 0;
  const size = hasLog ? identify(file)?.size : undefined;
  if (!hasLog || (size ?? 0) > 0) return;
  throw new SchemaError(
    `the file ${size === 0 ? "was emptied" : "is missing"}, but its write-ahead log is not: ` +
      "put the file back, or remove its -wal and -shm files and restore a backup",
  );
}

/**
 * Creates the file and its directory if they do not exist, accessible only to their owner: SQLite's are world-readable.
 * An existing file is never opened, because closing it would release SQLite's locks.
 * @throws an error that names the file and the cause; that of SQLite would be "unable to open database file"
 */
export function createSqliteFile(file: string): void {
  createFolder(dirname(file));
  // Follows a symbolic link, and creates its target.
  if (!existsSync(file)) closeSync(openSync(file, "a", 0o600));
  if (statSync(file).isDirectory()) throw new SchemaError("it is a directory");
  accessSync(file, constants.R_OK);
}

/**
 * Like `mkdir -p`. Node's own `recursive` never returns if a folder cannot be created although its parent exists, as in
 * /proc.
 */
function createFolder(path: string): void {
  if (existsSync(path) || dirname(path) === path) return;
  createFolder(dirname(path));
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    // Another process may have created it.
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}
