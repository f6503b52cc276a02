/** SQLite through better-sqlite3: one connection a process, which only its event loop uses. */
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type SqliteConnection from "better-sqlite3";
import createKnex from "knex";
import { MissingDatabaseError, UnavailableError } from "../errors.ts";
import { type ConnectOptions, timeoutInMilliseconds } from "./connect.ts";
import type { Database, RowsOf, Statement, Step, Values, WriteResult } from "./database.ts";
import { type AppliedMigration, buildMigrations, newestVersion, versionTable } from "./migrate.ts";
import { createSqliteFile, watchSqliteFiles } from "./sqliteFiles.ts";
import { prepareRunner, type SqliteRunner } from "./sqliteRunner.ts";
import { bindValues, prepareStatement } from "./statement.ts";

/** How long the start and the operator's commands wait for another process that migrates or holds the write lock. */
const lockTimeoutInMilliseconds = 30_000;

/** How long a successful write vouches for the next one. */
const probeIntervalInMilliseconds = 100;

/** The error codes of a full, read-only, damaged, missing or locked file: it may be repaired while we run. */
const unavailable =
  /^SQLITE_(BUSY|LOCKED|FULL|IOERR|READONLY|CORRUPT|NOTADB|CANTOPEN|PROTOCOL|NOMEM|PERM|AUTH)/;

/** The rows of each step, or the step that failed. */
type StepResult = { rows: unknown[][] } | { failedStep: number };

interface PendingWrite {
  steps: readonly Step[];
  /** Of the monotonic clock, performance.now(). */
  deadline: number;
  resolve(result: StepResult): void;
  reject(error: unknown): void;
}

/**
 * Opens a SQLite database and applies the migrations that it lacks.
 * @param file a path, or `:memory:`
 * @throws {MissingDatabaseError} when it must exist and does not
 * @throws {SchemaError} when its schema is not ours
 */
export async function connectSqlite(
  file: string,
  { searchWindow = 2_000, mustExist = false }: ConnectOptions,
): Promise<Database> {
  const isInMemory = file === ":memory:";
  const missing = () =>
    new MissingDatabaseError(`There is no database at ${isInMemory ? "sqlite::memory:" : resolve(file)}`);
  if (mustExist && (isInMemory || !existsSync(file))) throw missing();
  if (!isInMemory) createSqliteFile(file);
  const knex = createKnex({
    client: "better-sqlite3",
    connection: { filename: file },
    useNullAsDefault: true,
  });
  const connection: SqliteConnection.Database = await knex.client.acquireRawConnection();
  connection.pragma(`busy_timeout = ${lockTimeoutInMilliseconds}`);
  const isNew = connection.pragma("table_info(migrations)", { simple: true }) === undefined;
  if (isNew && mustExist) {
    connection.close();
    await knex.destroy();
    throw missing();
  }
  connection.pragma("journal_mode = WAL");
  // NORMAL could lose acknowledged writes when the power fails.
  connection.pragma("synchronous = FULL");
  connection.pragma("foreign_keys = ON");

  const pendingMigrations = () =>
    buildMigrations(knex, "sqlite", connection.prepare(versionTable.readAll).all() as AppliedMigration[]);
  // Where none is pending, the start does not wait for the lock, which an import may hold.
  const migrate = () => {
    connection.exec(versionTable.create);
    for (const sql of pendingMigrations()) connection.exec(sql);
  };
  if (isNew || pendingMigrations().length > 0) connection.transaction(migrate).immediate();
  // SQLite would wait for a lock by blocking the event loop, and with it the requests that need
  // no lock. We wait ourselves.
  connection.pragma("busy_timeout = 0");

  const files = watchSqliteFiles(file);
  const prepared = new Map<string, SqliteRunner>();
  const begin = connection.prepare("begin immediate");
  const commit = connection.prepare("commit");
  const rollback = connection.prepare("rollback");
  const savepoint = connection.prepare("savepoint step");
  const release = connection.prepare("release step");
  const rollbackStep = connection.prepare("rollback to step");
  const readVersion = prepareStatement<{ version: number }>(knex.raw(versionTable.readNewest));
  const rewriteVersion = prepareStatement(knex.raw(versionTable.rewrite));
  let pending: PendingWrite[] = [];
  /** When a write has last succeeded. */
  let committedAt = Number.NEGATIVE_INFINITY;

  function run<Row>(statement: Statement<Row>, values: Values): Row[] {
    let kept = prepared.get(statement.sql);
    if (!kept) {
      kept = prepareRunner(connection, statement.sql);
      prepared.set(statement.sql, kept);
    }
    return kept(bindValues(statement, values)) as Row[];
  }

  /** Runs all steps within the open transaction, or none of them. */
  function runSteps(steps: readonly Step[]): StepResult {
    const rows: unknown[][] = [];
    if (steps.length > 1) savepoint.run();
    for (const [index, step] of steps.entries()) {
      const returned = run(step.statement, step.values);
      if (returned.length === 0) {
        if (steps.length > 1) {
          rollbackStep.run();
          release.run();
        }
        return { failedStep: index };
      }
      rows.push(returned);
    }
    if (steps.length > 1) release.run();
    return { rows };
  }

  /**
   * Commits all pending writes in one transaction: one lock and one fsync for all of them, each with its own
   * result, after the commit. Sixteen clients that create or update take two thirds of the CPU time of a commit
   * each, at nearly twice the throughput.
   */
  function writePending(): void {
    const batch = pending;
    pending = [];
    try {
      begin.run();
    } catch (error) {
      waitForLock(batch, error);
      return;
    }
    try {
      const results = batch.map((write) => runSteps(write.steps));
      files.beforeCommit();
      commit.run();
      committedAt = performance.now();
      for (const [index, write] of batch.entries()) write.resolve(results[index] as StepResult);
    } catch (error) {
      if (connection.inTransaction) rollback.run();
      // Nothing was committed. Each is retried alone, so that one failure does not fail the others.
      for (const write of batch) {
        if (batch.length === 1) write.reject(asUnavailable(error));
        else writeAlone(write);
      }
    }
  }

  function waitForLock(batch: PendingWrite[], error: unknown): void {
    const now = performance.now();
    for (const write of batch) {
      if (isBusy(error) && now < write.deadline) pending.push(write);
      else write.reject(asUnavailable(error));
    }
    if (pending.length > 0) setTimeout(writePending, 1 + Math.random() * 10);
  }

  function writeAlone(write: PendingWrite): void {
    const others = pending;
    pending = [write];
    writePending();
    pending.push(...others);
  }

  function write<const Steps extends readonly Step[]>(
    steps: Steps,
    timeout = timeoutInMilliseconds,
  ): Promise<WriteResult<Steps>> {
    return new Promise((resolve, reject) => {
      // After the requests that are being read now, so that their writes share the transaction.
      if (pending.length === 0) setImmediate(writePending);
      const deadline = performance.now() + timeout;
      pending.push({
        ...{ steps, deadline, reject },
        // The driver's rows have no type; these are of the statements of the steps.
        resolve: (result) => resolve("rows" in result ? { rows: result.rows as RowsOf<Steps> } : result),
      });
    });
  }

  function asUnavailable(error: unknown): unknown {
    const code = String((error as { code?: string }).code);
    if (!unavailable.test(code)) return error;
    // Pages that were read from a damaged file are not kept: it may be repaired while we run.
    if (/^SQLITE_(CORRUPT|NOTADB|IOERR)/.test(code)) connection.pragma("shrink_memory");
    return new UnavailableError(code, { cause: error });
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
    write,
    async session(work) {
      connection.pragma(`busy_timeout = ${lockTimeoutInMilliseconds}`);
      try {
        const result = await work(async (statement, values = {}) => run(statement, values));
        files.compare();
        return result;
      } finally {
        if (connection.inTransaction) rollback.run();
        connection.pragma("busy_timeout = 0");
      }
    },
    async ping() {
      files.compare();
      const [row] = await read(readVersion, {});
      if (!row || row.version < newestVersion) throw new UnavailableError("migrations are pending");
      // A file may be readable and yet read-only or without space: only a write tells. It is not repeated for
      // every poll, which would keep the disk busy. While another process has the lock, it writes: all is well.
      if (performance.now() - committedAt > probeIntervalInMilliseconds)
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

function isBusy(error: unknown): boolean {
  return /^SQLITE_BUSY/.test(String((error as { code?: string }).code));
}
