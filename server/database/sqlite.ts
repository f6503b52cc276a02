/** SQLite through better-sqlite3: one connection per process, used only by its event loop. */
import { statSync } from "node:fs";
import { resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type SqliteConnection from "better-sqlite3";
import createKnex from "knex";
import { MissingDatabaseError, SchemaError, UnavailableError } from "../errors.ts";
import { type ConnectOptions, defaultSearchWindow, timeoutInMilliseconds } from "./connect.ts";
import type { Database, RowsOf, Statement, Step, Values, WriteResult } from "./database.ts";
import { createGroupCommit, isBusy } from "./groupCommit.ts";
import { type AppliedMigration, buildMigrations, newestVersion, versionTable } from "./migrate.ts";
import { createSqliteFile, rejectLogWithoutFile, watchSqliteFiles } from "./sqliteFiles.ts";
import { applicationId, findOwner } from "./sqliteOwner.ts";
import { prepareRunner, type SqliteRunner } from "./sqliteRunner.ts";
import { createSqliteWrites } from "./sqliteWrites.ts";
import { bindValues, prepareStatement } from "./statement.ts";

/** How long startup and the operator's commands wait for another process that migrates or holds the write lock. */
const lockTimeoutInMilliseconds = 30_000;

/** For how long after a successful write the database counts as writable. */
const probeIntervalInMilliseconds = 100;

/**
 * Error codes of a full, read-only, damaged, missing or locked database, which may be repaired while the server runs.
 */
const unavailable =
  /^SQLITE_(BUSY|LOCKED|FULL|IOERR|READONLY|CORRUPT|NOTADB|CANTOPEN|PROTOCOL|NOMEM|PERM|AUTH)/;

/**
 * Opens a SQLite database and applies pending migrations.
 * @param file a path, or `:memory:`
 * @throws {MissingDatabaseError} when it must exist and does not
 * @throws {SchemaError} when its schema is unknown, or it belongs to another program
 */
export async function connectSqlite(
  file: string,
  { searchWindow = defaultSearchWindow, mustExist = false }: ConnectOptions,
): Promise<Database> {
  const isInMemory = file === ":memory:";
  const missing = () =>
    new MissingDatabaseError(`There is no database at ${isInMemory ? "sqlite::memory:" : resolve(file)}`);
  // Throws if its directory is not accessible.
  if (mustExist && (isInMemory || !statSync(file, { throwIfNoEntry: false }))) throw missing();
  if (!isInMemory) {
    rejectLogWithoutFile(file);
    createSqliteFile(file);
  }
  const knex = createKnex({
    client: "better-sqlite3",
    connection: { filename: file },
    useNullAsDefault: true,
  });
  const connection: SqliteConnection.Database = await knex.client.acquireRawConnection();
  connection.pragma(`busy_timeout = ${lockTimeoutInMilliseconds}`);
  const owner = findOwner(connection);
  if (owner === "another program" || (owner === "nobody" && mustExist)) {
    connection.close();
    await knex.destroy();
    throw owner === "nobody" ? missing() : new SchemaError("it belongs to another program: use a new file");
  }
  connection.pragma("journal_mode = WAL");
  // NORMAL could lose acknowledged writes in a power failure.
  connection.pragma("synchronous = FULL");
  connection.pragma("foreign_keys = ON");

  const pendingMigrations = () =>
    buildMigrations(knex, "sqlite", connection.prepare(versionTable.readAll).all() as AppliedMigration[]);
  // If no migration is pending, startup does not wait for the lock, which an import may hold.
  const migrate = () => {
    connection.pragma(`application_id = ${applicationId}`);
    connection.exec(versionTable.create);
    for (const sql of pendingMigrations()) connection.exec(sql);
  };
  if (owner === "nobody" || pendingMigrations().length > 0) connection.transaction(migrate).immediate();
  // SQLite would wait for a lock by blocking the event loop, and with it requests that need no lock, so waiting is
  // implemented here.
  connection.pragma("busy_timeout = 0");

  const files = watchSqliteFiles(file);
  const prepared = new Map<string, SqliteRunner>();
  const readVersion = prepareStatement<{ version: number }>(knex.raw(versionTable.readNewest));
  const rewriteVersion = prepareStatement(knex.raw(versionTable.rewrite));

  /** Runs a statement with the values of its placeholders, in order. */
  function runBound(statement: Statement<unknown>, values: unknown[]): unknown[] {
    let kept = prepared.get(statement.sql);
    if (!kept) {
      kept = prepareRunner(connection, statement.sql);
      prepared.set(statement.sql, kept);
    }
    return kept(values);
  }

  function run<Row>(statement: Statement<Row>, values: Values): Row[] {
    return runBound(statement, bindValues(statement, values)) as Row[];
  }

  const groupCommit = createGroupCommit(connection, {
    runWrites: createSqliteWrites(connection, runBound),
    beforeCommit: files.beforeCommit,
    toError: asUnavailable,
  });

  async function write<const Steps extends readonly Step[]>(
    steps: Steps,
    timeout = timeoutInMilliseconds,
  ): Promise<WriteResult<Steps>> {
    const result = await groupCommit.write(steps, timeout);
    // The driver's rows are untyped; these are the rows of the steps' statements.
    return "rows" in result ? { rows: result.rows as RowsOf<Steps> } : result;
  }

  function asUnavailable(error: unknown): unknown {
    const code = String((error as { code?: string }).code);
    if (!unavailable.test(code)) return error;
    // Drops cached pages of a damaged file, which may be repaired while the server runs.
    if (/^SQLITE_(CORRUPT|NOTADB|IOERR)/.test(code)) connection.pragma("shrink_memory");
    return new UnavailableError((error as Error).message, { cause: error });
  }

  async function read<Row>(statement: Statement<Row>, values: Values): Promise<Row[]> {
    const deadline = performance.now() + timeoutInMilliseconds;
    for (;;) {
      try {
        files.check();
        return run(statement, values);
      } catch (error) {
        if (!isBusy(error) || performance.now() >= deadline) throw asUnavailable(error);
        await sleep(1 + Math.random() * 10);
      }
    }
  }

  return {
    dialect: "sqlite",
    knex,
    searchWindow,
    prepare: prepareStatement,
    read,
    write: (steps) => write(steps),
    async session(work) {
      connection.pragma(`busy_timeout = ${lockTimeoutInMilliseconds}`);
      try {
        const result = await work(async (statement, values = {}) => run(statement, values));
        files.compare();
        return result;
      } finally {
        if (connection.inTransaction) connection.exec("rollback");
        connection.pragma("busy_timeout = 0");
      }
    },
    async ping() {
      files.compare();
      const [row] = await read(readVersion, {});
      if (!row || row.version < newestVersion) throw new UnavailableError("migrations are pending");
      // The file may be readable but read-only, or its disk full, which only a write detects. To spare the disk, not
      // every poll writes. If another process holds the lock, that process can write, which is sufficient.
      if (performance.now() - groupCommit.lastCommit() > probeIntervalInMilliseconds)
        await write([{ statement: rewriteVersion, values: {} }], 0).catch((error) => {
          if (!isBusy(error.cause)) throw error;
        });
    },
    async close() {
      files.stopWatching();
      connection.close();
      await knex.destroy();
    },
  };
}
