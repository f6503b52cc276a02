/** Combines the single-row inserts of several writes into one statement. */
import type { BoundStatement, Step, StepResult } from "./database.ts";
import { bindValues } from "./statement.ts";

/** The maximum number of rows that one statement inserts. */
const maxRows = 16;

/** Returns the first writes if each is the same insert of a row, which one statement can do for all. */
export function takeInserts(writes: readonly (readonly Step[])[]): Step[] {
  const inserts: Step[] = [];
  for (const [insert, ...others] of writes.slice(0, maxRows)) {
    if (!insert?.statement.forRows || others.length > 0) break;
    if (inserts[0] && inserts[0].statement !== insert.statement) break;
    inserts.push(insert);
  }
  return inserts;
}

/** Combines what `takeInserts` has returned. Returns undefined unless there are several inserts. */
export function combineInserts(inserts: readonly Step[]): BoundStatement | undefined {
  const statement = inserts.length > 1 ? inserts[0]?.statement.forRows?.(inserts.length) : undefined;
  return (
    statement && {
      statement,
      values: inserts.flatMap((insert) => bindValues(insert.statement, insert.values)),
    }
  );
}

/** Returns the result of each insert, given the rows that the combined statement has returned. */
export function splitRows(inserts: readonly Step[], returned: readonly unknown[]): StepResult[] {
  const rows = new Map<unknown, unknown>((returned as { id: string }[]).map((row) => [row.id, row]));
  return inserts.map(({ values: { id } }) => (rows.has(id) ? { rows: [[rows.get(id)]] } : { failedStep: 0 }));
}
