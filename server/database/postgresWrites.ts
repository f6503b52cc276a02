/**
 * PostgreSQL: runs writes. Concurrent inserts of one company share a statement, and so do concurrent updates of the
 * same fields: with sixteen clients, a write takes a quarter less CPU time here, and half as much in PostgreSQL.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type pg from "pg";
import { timeoutInMilliseconds } from "./connect.ts";
import type { BoundStatement, RowsOf, Statement, Step, StepResult, WriteResult } from "./database.ts";
import { combineSteps, splitRows, takeCombinable } from "./multiRowWrites.ts";
import { FailedStep, isHealthy } from "./postgresErrors.ts";
import { inTransaction } from "./postgresTransaction.ts";
import { bindValues } from "./statement.ts";
import { createTurns } from "./turns.ts";

/**
 * The share of the pool that the writes of one company may use. Otherwise updates of a single customer, which wait for
 * each other, could use all connections.
 */
const writesShare = 0.8;

/** How long writes wait for previous ones of their kind and company, at most. */
const maxWaitInMilliseconds = 10;

/**
 * After PostgreSQL has rejected or cancelled a statement with several rows, the writes of its company run one by one
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

interface PendingWrite {
  step: Step;
  resolve(result: StepResult): void;
  reject(error: unknown): void;
}

/** Creates the `write` of a database. */
export function createPostgresWrites({ onConnection, run, poolSize }: PostgresWritesOptions) {
  const concurrent = Math.max(1, Math.floor(poolSize * writesShare));
  const inTurn = createTurns({ concurrent, timeoutInMilliseconds });
  /** For each statement and company, the writes that wait for previous ones; no entry if there are none of those. */
  const waiting = new Map<Statement<unknown>, Map<string, PendingWrite[]>>();
  /** The companies whose writes run one by one, and until when, in terms of performance.now(). */
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

  /** Runs writes of a company with one statement. Returns no result for those that it has skipped. */
  async function tryTogether(companyId: string, steps: readonly Step[]): Promise<(StepResult | undefined)[]> {
    const combined = combineSteps(steps);
    if (!combined) return [];
    try {
      const rows = await inTurn(companyId, () => onConnection((connection) => run(connection, combined)));
      return splitRows(steps, rows);
    } catch (error) {
      const isRejected = [error, (error as Error).cause].some(isHealthy);
      if (isRejected) oneByOneUntil.set(companyId, performance.now() + oneByOneInMilliseconds);
      // PostgreSQL has rejected the values of one. After a timeout, there is no time left for another attempt.
      if (isHealthy(error)) return [];
      throw error;
    }
  }

  /** Runs writes of a company: together as far as possible, the others one by one. */
  async function runPending(companyId: string, pending: readonly PendingWrite[]): Promise<void> {
    const steps = pending.map(({ step }) => step);
    try {
      const results = await tryTogether(companyId, steps);
      await Promise.all(
        pending.map(({ step, resolve, reject }, index) => {
          const result = results[index];
          return result ? resolve(result) : runAlone(companyId, [step]).then(resolve, reject);
        }),
      );
    } catch (error) {
      for (const { reject } of pending) reject(error);
    }
  }

  /** Queues a write behind those of the same statement and company, and runs the queue unless that has begun. */
  function runCombinable(companyId: string, step: Step): Promise<StepResult> {
    return new Promise((resolve, reject) => {
      const queues = waiting.get(step.statement) ?? new Map<string, PendingWrite[]>();
      waiting.set(step.statement, queues);
      const queue = queues.get(companyId);
      if (queue) queue.push({ step, resolve, reject });
      else {
        queues.set(companyId, [{ step, resolve, reject }]);
        void runQueue(queues, companyId);
      }
    });
  }

  /** Runs the writes of a queue, each time the first ones together, until none is waiting. */
  async function runQueue(queues: Map<string, PendingWrite[]>, companyId: string): Promise<void> {
    const queue = queues.get(companyId) ?? [];
    while (queue.length > 0) {
      const { length } = takeCombinable(queue.map(({ step }) => [step]));
      await Promise.race([runPending(companyId, queue.splice(0, length)), sleep(maxWaitInMilliseconds)]);
    }
    queues.delete(companyId);
  }

  function isOneByOne(companyId: string): boolean {
    if (performance.now() < (oneByOneUntil.get(companyId) ?? 0)) return true;
    oneByOneUntil.delete(companyId);
    return false;
  }

  function runWrite(steps: readonly Step[], companyId: string | undefined): Promise<StepResult> {
    if (companyId === undefined) return runSteps(steps);
    const [step] = takeCombinable([steps]);
    return step && !isOneByOne(companyId) ? runCombinable(companyId, step) : runAlone(companyId, steps);
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
