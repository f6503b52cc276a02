/**
 * Group commit for SQLite: writes that arrive together share a transaction, its lock and its fsync. With sixteen clients
 * that update, this takes about two thirds of the CPU time of separate commits, at twice the throughput.
 */
import type SqliteConnection from "better-sqlite3";
import type { Step, StepResult } from "./database.ts";

/** How long a write waits for others that arrive with it. */
const collectingInMilliseconds = 5;

interface PendingWrite {
  steps: readonly Step[];
  /** In terms of performance.now(). */
  deadline: number;
  resolve(result: StepResult): void;
  reject(error: unknown): void;
}

interface GroupCommitOptions {
  /** Runs writes in order within the open transaction, each with all of its steps or none. */
  runWrites(writes: readonly (readonly Step[])[]): StepResult[];
  /** Called before each commit; throws if the writes must not be committed. */
  beforeCommit(): void;
  /** Converts an error of SQLite to the one that a write rejects with. */
  toError(error: unknown): unknown;
}

/** Creates the queue of a connection's writes. */
export function createGroupCommit(connection: SqliteConnection.Database, options: GroupCommitOptions) {
  const { runWrites, beforeCommit, toError } = options;
  const begin = connection.prepare("begin immediate");
  const commit = connection.prepare("commit");
  const rollback = connection.prepare("rollback");
  let pending: PendingWrite[] = [];
  let committedAt = Number.NEGATIVE_INFINITY;

  /**
   * Waits as long as each turn of the event loop brings another write. A single write waits for one turn, a few
   * microseconds.
   * @param count the number of writes in the previous turn
   */
  function collect(count: number, startedAt: number): void {
    if (pending.length > count && performance.now() - startedAt < collectingInMilliseconds)
      setImmediate(collect, pending.length, startedAt);
    else writePending();
  }

  /** Commits all pending writes in one transaction. Each write gets its own result, after the commit. */
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
      const results = runWrites(batch.map(({ steps }) => steps));
      beforeCommit();
      commit.run();
      committedAt = performance.now();
      for (const [index, write] of batch.entries()) write.resolve(results[index] as StepResult);
    } catch (error) {
      if (connection.inTransaction) rollback.run();
      // Nothing was committed. Each write is retried on its own, so that one failure does not fail the others.
      for (const write of batch) {
        if (batch.length === 1) write.reject(toError(error));
        else writeAlone(write);
      }
    }
  }

  function waitForLock(batch: PendingWrite[], error: unknown): void {
    const now = performance.now();
    for (const write of batch) {
      if (isBusy(error) && now < write.deadline) pending.push(write);
      else write.reject(toError(error));
    }
    if (pending.length > 0) setTimeout(writePending, 1 + Math.random() * 10);
  }

  function writeAlone(write: PendingWrite): void {
    const others = pending;
    pending = [write];
    writePending();
    pending.push(...others);
  }

  return {
    /** Runs all steps or none. Resolves once they are durable. */
    write(steps: readonly Step[], timeoutInMilliseconds: number): Promise<StepResult> {
      return new Promise((resolve, reject) => {
        const now = performance.now();
        if (pending.length === 0) setImmediate(collect, 0, now);
        pending.push({ steps, deadline: now + timeoutInMilliseconds, resolve, reject });
      });
    },
    /** When the last write was committed, in terms of performance.now(). */
    lastCommit: () => committedAt,
  };
}

/** Whether another process holds the lock of the database. */
export function isBusy(error: unknown): boolean {
  return /^SQLITE_BUSY/.test(String((error as { code?: string } | undefined)?.code));
}
