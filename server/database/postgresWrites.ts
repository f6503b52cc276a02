/**
 * PostgreSQL: runs writes. Concurrent inserts of one company share a statement: with sixteen clients, a create takes a
 * quarter less CPU time here, and half as much in PostgreSQL.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type pg from "pg";
import { timeoutInMilliseconds } from "./connect.ts";
import type { BoundStatement, RowsOf, Step, StepResult, WriteResult } from "./database.ts";
import { combineInserts, splitRows, takeInserts } from "./multiRowInsert.ts";
import { FailedStep, isHealthy } from "./postgresErrors.ts";
import { inTransaction } from "./postgresTransaction.ts";
import { bindValues } from "./statement.ts";
import { createTurns } from "./turns.ts";

/**
 * The share of the pool that the writes of one company may use. Otherwise updates of a single customer, which wait for
 * each other, could use all connections.
 */
const writesShare = 0.8;

/** How long inserts wait for the previous ones of their company, at most. */
const maxWaitInMilliseconds = 10;

/**
 * After PostgreSQL has rejected or cancelled a statement with several inserts, the inserts of its company run one by one
 * for this long: perhaps another transaction, such as an import, holds one of the emails, and the others need not wait.
 */
const oneByOneInMilliseconds = 10_000;

interface PostgresWritesOptions {
  /** Lends a connection. */
  onConnection<Result>(work: (connection: pg.Client) => Promise<Result>): Promise<Result>;
  /** Runs a statement and returns its rows. */
  run(connection: pg.Client, bound: BoundStatement): Promise<unknown[]>;
  poolSize: number;
}

interface PendingInsert {
  insert: Step;
  resolve(result: StepResult): void;
  reject(error: unknown): void;
}

/** Creates the `write` of a database. */
export function createPostgresWrites({ onConnection, run, poolSize }: PostgresWritesOptions) {
  const concurrent = Math.max(1, Math.floor(poolSize * writesShare));
  const inTurn = createTurns({ concurrent, timeoutInMilliseconds });
  /** The inserts of each company that wait for the previous ones; no entry if there are no previous ones. */
  const waiting = new Map<string, PendingInsert[]>();
  /** The companies whose inserts run one by one, and until when, in terms of performance.now(). */
  const oneByOneUntil = new Map<string, number>();

  async function runSteps(steps: readonly Step[]): Promise<StepResult> {
    const rows: unknown[][] = [];
    const runAll = async (connection: pg.Client) => {
      for (const [index, { statement, values }] of steps.entries()) {
        const returned = await run(connection, { statement, values: bindValues(statement, values) });
        if (returned.length === 0) throw new FailedStep(index);
        rows.push(returned);
      }
    };
    try {
      await onConnection((connection) =>
        steps.length > 1 ? inTransaction(connection, "begin", () => runAll(connection)) : runAll(connection),
      );
    } catch (error) {
      if (error instanceof FailedStep) return { failedStep: error.index };
      throw error;
    }
    return { rows };
  }

  function runAlone(companyId: string, steps: readonly Step[]): Promise<StepResult> {
    return inTurn(companyId, () => runSteps(steps));
  }

  /** Runs inserts of a company with one statement. */
  async function runInserts(companyId: string, pending: readonly PendingInsert[]): Promise<void> {
    const inserts = pending.map(({ insert }) => insert);
    try {
      const results = await inTurn(companyId, async () => {
        const combined = combineInserts(inserts);
        if (!combined) return [await runSteps(inserts)];
        return splitRows(inserts, await onConnection((connection) => run(connection, combined)));
      });
      for (const [index, { resolve }] of pending.entries()) resolve(results[index] as StepResult);
    } catch (error) {
      const isRejected = pending.length > 1 && [error, (error as Error).cause].some(isHealthy);
      if (isRejected) oneByOneUntil.set(companyId, performance.now() + oneByOneInMilliseconds);
      for (const { insert, resolve, reject } of pending) {
        // PostgreSQL has rejected the values of one. After a timeout, there is no time left for another attempt.
        if (isRejected && isHealthy(error)) runAlone(companyId, [insert]).then(resolve, reject);
        else reject(error);
      }
    }
  }

  /** Runs the inserts of a company until none is waiting. */
  async function runWaiting(companyId: string, pending: PendingInsert[]): Promise<void> {
    while (pending.length > 0) {
      const { length } = takeInserts(pending.map(({ insert }) => [insert]));
      // In the same order in every process, so that statements with the same emails do not wait for each other.
      const group = pending.splice(0, length).sort(byEmail);
      await Promise.race([runInserts(companyId, group), sleep(maxWaitInMilliseconds)]);
    }
    waiting.delete(companyId);
  }

  function runInsert(companyId: string, insert: Step): Promise<StepResult> {
    return new Promise((resolve, reject) => {
      const pending = waiting.get(companyId) ?? [];
      pending.push({ insert, resolve, reject });
      if (waiting.has(companyId)) return;
      waiting.set(companyId, pending);
      void runWaiting(companyId, pending);
    });
  }

  function isOneByOne(companyId: string): boolean {
    if (performance.now() < (oneByOneUntil.get(companyId) ?? 0)) return true;
    oneByOneUntil.delete(companyId);
    return false;
  }

  function runWrite(steps: readonly Step[], companyId: string | undefined): Promise<StepResult> {
    if (companyId === undefined) return runSteps(steps);
    const [insert] = takeInserts([steps]);
    return insert && !isOneByOne(companyId) ? runInsert(companyId, insert) : runAlone(companyId, steps);
  }

  return async function write<const Steps extends readonly Step[]>(
    steps: Steps,
    companyId?: string,
  ): Promise<WriteResult<Steps>> {
    const result = await runWrite(steps, companyId);
    // The driver's rows are untyped; these are the rows of the steps' statements.
    return "rows" in result ? { rows: result.rows as RowsOf<Steps> } : result;
  };
}

function byEmail({ insert: one }: PendingInsert, { insert: other }: PendingInsert): number {
  return String(one.values.email) < String(other.values.email) ? -1 : 1;
}
