/** SQLite: runs the steps of writes within the open transaction. */
import type SqliteConnection from "better-sqlite3";
import type { Statement, Step, StepResult } from "./database.ts";
import { combineSteps, splitRows, takeCombinable } from "./multiRowWrites.ts";
import { bindValues } from "./statement.ts";

/** Runs a statement with the values of its placeholders, in order. */
type RunBound = (statement: Statement<unknown>, values: unknown[]) => unknown[];

/** Returns a function that runs writes in order, each with all of its steps or none, and returns their results. */
export function createSqliteWrites(connection: SqliteConnection.Database, run: RunBound) {
  const savepoint = connection.prepare("savepoint step");
  const release = connection.prepare("release step");
  const rollback = connection.prepare("rollback to step");

  function runSteps(steps: readonly Step[]): StepResult {
    const rows: unknown[][] = [];
    if (steps.length > 1) savepoint.run();
    for (const [index, { statement, values }] of steps.entries()) {
      const returned = run(statement, bindValues(statement, values));
      if (returned.length === 0) {
        if (steps.length > 1) {
          rollback.run();
          release.run();
        }
        return { failedStep: index };
      }
      rows.push(returned);
    }
    if (steps.length > 1) release.run();
    return { rows };
  }

  return function runWrites(writes: readonly (readonly Step[])[]): StepResult[] {
    const results: StepResult[] = [];
    while (results.length < writes.length) {
      const rest = writes.slice(results.length);
      const steps = takeCombinable(rest);
      // Before each statement of a transaction, FTS5 writes what the previous ones have indexed: with one statement per
      // row, the database takes twice the CPU time for 16 rows.
      const combined = combineSteps(steps);
      if (combined) {
        const found = splitRows(steps, run(combined.statement, combined.values));
        results.push(...steps.map((step, index) => found[index] ?? runSteps([step])));
      } else results.push(runSteps(rest[0] ?? []));
    }
    return results;
  };
}
