/**
 * How many requests begin in a turn of the event loop. On SQLite, the writes of a turn share a transaction, so fewer
 * would cost throughput.
 */
const maxPerTurn = 64;

/** The same for a turn that accepted a connection. */
const maxPerAcceptingTurn = 1;

/** Begins a request. */
type Begin = () => void;

/**
 * Bounds how many requests begin in a turn of the event loop; further ones are queued, in the order of their arrival.
 * libuv accepts only one connection in a turn. Without the bound, one request of each connection runs in every turn: while
 * 1,000 clients sent one request after the other, `/healthz` on a new connection took 297 s.
 */
export function createShortTurns() {
  const queue: Begin[] = [];
  let begun = 0;
  let hasAccepted = false;
  let isEndScheduled = false;

  function mayBegin(): number {
    return hasAccepted ? maxPerAcceptingTurn : maxPerTurn;
  }

  function endTurn(): void {
    const next = queue.splice(0, mayBegin());
    begun = next.length;
    hasAccepted = false;
    isEndScheduled = begun > 0;
    // In the next turn, one per immediate, so each begins after the microtasks of the previous one: on SQLite, these may be
    // the whole request.
    for (const begin of next) setImmediate(begin);
    if (isEndScheduled) setImmediate(endTurn);
  }

  return {
    connectionAccepted(): void {
      hasAccepted = true;
    },

    /** Begins a request, now or in a later turn. */
    admit(begin: Begin): void {
      if (!isEndScheduled) setImmediate(endTurn);
      isEndScheduled = true;
      if (queue.length > 0 || begun >= mayBegin()) queue.push(begin);
      else {
        begun += 1;
        begin();
      }
    },
  };
}
