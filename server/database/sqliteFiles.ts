/**
 * The files of a SQLite database: how they are created, and whether they stay where they are. SQLite goes on with
 * deleted ones as if nothing were.
 */
import { closeSync, mkdirSync, openSync, type Stats, statSync } from "node:fs";
import { dirname } from "node:path";
import { UnavailableError } from "../errors.ts";

/** How often they are compared while nothing is written. */
const intervalInMilliseconds = 1_000;

/** The files of an open database. */
export interface SqliteFiles {
  /**
   * Compares device and inode of each with what they were at first.
   * @throws {UnavailableError} when one was deleted or replaced
   */
  compare(): void;
  /**
   * The same of the file and the log alone, for each transaction.
   * @throws {UnavailableError} when one was deleted or replaced
   */
  beforeCommit(): void;
  /**
   * The same as of the last second, for the price of a comparison.
   * @throws {UnavailableError} when one was deleted or replaced
   */
  check(): void;
  stopWatching(): void;
}

/**
 * Watches the file of a database, its write-ahead log and the index of that: what is written to a deleted one is
 * lost. They must exist already; the process must not open them otherwise, which would release SQLite's locks.
 */
export function watchSqliteFiles(file: string): SqliteFiles {
  if (file === ":memory:") return { compare() {}, beforeCommit() {}, check() {}, stopWatching() {} };
  const names = [file, `${file}-wal`, `${file}-shm`];
  const opened = names.map((name) => statSync(name, { throwIfNoEntry: false }));
  let isInPlace = true;

  /** Takes 2 to 4 microseconds for each file. */
  function areSame(count: number): boolean {
    for (let index = 0; index < count; index++) {
      const found = identify(names[index] as string);
      const { dev, ino } = opened[index] ?? {};
      if (found?.ino !== ino || found?.dev !== dev) return false;
    }
    return true;
  }
  function compareAll(): void {
    isInPlace = areSame(names.length);
  }
  function check(): void {
    if (!isInPlace)
      throw new UnavailableError("the database file was deleted or replaced: restart the server");
  }

  const timer = setInterval(compareAll, intervalInMilliseconds).unref();
  return {
    beforeCommit() {
      // What a commit writes to is the log, and in time the file.
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
    // No longer within reach, as its folder is not.
    return undefined;
  }
}

/** Creates the file and its folder if they do not exist, for their owner alone: SQLite creates files that all may read. */
export function createSqliteFile(file: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  try {
    closeSync(openSync(file, "ax", 0o600));
  } catch {
    // It exists, or SQLite says what is wrong with it.
  }
}
