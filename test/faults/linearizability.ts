/**
 * A checker of histories: whether operations that overlapped can have taken effect one after the other,
 * each between its call and its answer. The search is that of Wing and Gong ("Testing and Verifying
 * Concurrent Objects", 1993) with Lowe's memory of what has been tried.
 */

/** One operation of a history: when it was sent and answered, and what it was. Times of one clock. */
export interface Operation<Action> {
  from: number;
  to: number;
  action: Action;
}

/**
 * What an object does: the state after an action, as text that tells states apart, or undefined where
 * the action cannot have been answered as it was in this state.
 */
export type Model<Action> = (state: string, action: Action) => string | undefined;

/** Whether some order of the operations fits their times and the model. */
export function isLinearizable<Action>(
  history: Operation<Action>[],
  model: Model<Action>,
  initialState: string,
): boolean {
  const operations = history.toSorted((a, b) => a.from - b.from);
  const tried = new Set<string>();
  /** Taken: those before `first`, and of the later ones those in `taken`. */
  const open: { first: number; taken: number[]; state: string }[] = [
    { first: 0, taken: [], state: initialState },
  ];
  for (let node = open.pop(); node; node = open.pop()) {
    const { taken, state } = node;
    if (node.first === operations.length) return true;
    // Next can be whatever was sent before the first answer of those that are left.
    let firstAnswer = Number.POSITIVE_INFINITY;
    for (let index = node.first; index < operations.length; index += 1) {
      const operation = operations[index] as Operation<Action>;
      if (operation.from > firstAnswer) break;
      if (!taken.includes(index)) firstAnswer = Math.min(firstAnswer, operation.to);
    }
    for (let index = node.first; index < operations.length; index += 1) {
      const operation = operations[index] as Operation<Action>;
      if (operation.from > firstAnswer) break;
      if (taken.includes(index)) continue;
      const next = model(state, operation.action);
      if (next === undefined) continue;
      let first = node.first;
      const after = [...taken, index].sort((a, b) => a - b);
      while (after[0] === first) {
        after.shift();
        first += 1;
      }
      const key = `${first} ${after.join()} ${next}`;
      if (tried.has(key)) continue;
      tried.add(key);
      open.push({ first, taken: after, state: next });
    }
  }
  return false;
}
