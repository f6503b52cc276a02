/**
 * How many requests begin in a turn of the event loop. On SQLite, the writes of a turn share a transaction, so that fewer
 * would cost throughput.
 */
const maxPerTurn = 64;

/** The same in a turn in which a connection was accepted, and so roughly for each accepted connection. */
const maxPerAcceptingTurn = 1;

/** Begins a request. */
type Begin = () => void;

/**
 * Bounds how many requests begin in a turn of the event loop; further ones are queued, in the order of their arrival.
 * libuv accepts only one connection in a turn. Without this, a turn takes as long as a request of every connection: while
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
    // In the next turn, each after all that the one before does in microtasks, which on SQLite may be all.
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
