/** Combines writes of single rows into one statement. */
import type { BoundStatement, Step, StepResult } from "./database.ts";

/** The maximum number of rows that one statement writes. */
export const maxRows = 16;

/** Returns the first writes, as far as one statement can write the rows of all. */
export function takeCombinable(writes: readonly (readonly Step[])[]): Step[] {
  const taken: Step[] = [];
  const ids = new Set<unknown>();
  for (const [step, ...others] of writes.slice(0, maxRows)) {
    if (!step?.statement.combine || others.length > 0) break;
    if (taken[0] && taken[0].statement !== step.statement) break;
    // Which of two updates of a customer one statement would apply is undefined.
    if (ids.has(step.values.id)) break;
    ids.add(step.values.id);
    taken.push(step);
  }
  return taken;
}

/** Combines what `takeCombinable` has returned. Returns undefined unless there are several. */
export function combineSteps(steps: readonly Step[]): BoundStatement | undefined {
  return steps.length > 1 ? steps[0]?.statement.combine?.(steps.map(({ values }) => values)) : undefined;
}

/** Returns the result of each step whose row is among those that the combined statement has returned. */
export function splitRows(steps: readonly Step[], returned: readonly unknown[]): (StepResult | undefined)[] {
  const rows = new Map<unknown, unknown>((returned as { id: string }[]).map((row) => [row.id, row]));
  return steps.map(({ values: { id } }) => (rows.has(id) ? { rows: [[rows.get(id)]] } : undefined));
}
