/**
 * A linearizability checker: whether overlapping operations can have taken effect one after the other, each between its
 * request and its response. The algorithm is that of Wing and Gong ("Testing and Verifying Concurrent Objects", 1993),
 * with Lowe's cache of configurations that were already tried.
 */

/** An operation of a history: when it was sent, when its response arrived, and what it did. All times are of one clock. */
export interface Operation<Action> {
  from: number;
  to: number;
  action: Action;
}

/**
 * The sequential specification of an object: returns the state after an action, as text that identifies it, or
 * undefined if the action cannot have got its response in this state.
 */
export type Model<Action> = (state: string, action: Action) => string | undefined;

/** Whether some order of the operations is consistent with their times and the model. */
export function isLinearizable<Action>(
  history: Operation<Action>[],
  model: Model<Action>,
  initialState: string,
): boolean {
  const operations = history.toSorted((a, b) => a.from - b.from);
  const tried = new Set<string>();
  /**
   * Configurations to try: all operations before `first` have been applied, and of the later ones, those in `taken`.
   */
  const open: { first: number; taken: number[]; state: string }[] = [
    { first: 0, taken: [], state: initialState },
  ];
  for (let node = open.pop(); node; node = open.pop()) {
    const { taken, state } = node;
    if (node.first === operations.length) return true;
    // Any remaining operation can be next if it was sent before the first response to a remaining one.
    let firstResponse = Number.POSITIVE_INFINITY;
    for (let index = node.first; index < operations.length; index += 1) {
      const operation = operations[index] as Operation<Action>;
      if (operation.from > firstResponse) break;
      if (!taken.includes(index)) firstResponse = Math.min(firstResponse, operation.to);
    }
    for (let index = node.first; index < operations.length; index += 1) {
      const operation = operations[index] as Operation<Action>;
      if (operation.from > firstResponse) break;
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
