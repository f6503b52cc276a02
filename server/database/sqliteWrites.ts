/** SQLite: runs the steps of writes within the open transaction. */
import type SqliteConnection from "better-sqlite3";
import type { Statement, Step } from "./database.ts";
import { bindValues } from "./statement.ts";

/** The maximum number of rows that one statement inserts. */
const maxRows = 16;

/** The rows of each step, or the step that failed. */
export type StepResult = { rows: unknown[][] } | { failedStep: number };

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

  /**
   * Inserts the rows of several writes with one statement. Before each statement of a transaction, FTS5 writes what the
   * previous ones have indexed: with one statement per row, the database takes twice the CPU time for 16 rows.
   */
  function insertRows(inserts: readonly Step[], statement: Statement<unknown>): StepResult[] {
    const values = inserts.flatMap((insert) => bindValues(insert.statement, insert.values));
    const returned = run(statement, values) as { id: string }[];
    const rows = new Map<unknown, unknown>(returned.map((row) => [row.id, row]));
    return inserts.map(({ values: { id } }) =>
      rows.has(id) ? { rows: [[rows.get(id)]] } : { failedStep: 0 },
    );
  }

  return function runWrites(writes: readonly (readonly Step[])[]): StepResult[] {
    const results: StepResult[] = [];
    while (results.length < writes.length) {
      const rest = writes.slice(results.length);
      const inserts = takeInserts(rest);
      const statement = inserts[0]?.statement.forRows?.(inserts.length);
      if (statement && inserts.length > 1) results.push(...insertRows(inserts, statement));
      else results.push(runSteps(rest[0] ?? []));
    }
    return results;
  };
}

/** Returns the first writes if each is the same insert of a row, which one statement can do for all. */
function takeInserts(writes: readonly (readonly Step[])[]): Step[] {
  const inserts: Step[] = [];
  for (const [insert, ...others] of writes.slice(0, maxRows)) {
    if (!insert?.statement.forRows || others.length > 0) break;
    if (inserts[0] && inserts[0].statement !== insert.statement) break;
    inserts.push(insert);
  }
  return inserts;
}
