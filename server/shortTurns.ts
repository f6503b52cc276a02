/**
 * How many requests begin in a turn of the event loop. On SQLite, the writes of a turn share a transaction, so that fewer
 * would cost throughput.
 */
const maxPerTurn = 64;

/** The same in a turn in which a connection was accepted, and so roughly for each accepted connection. */
const maxPerAcceptingTurn = 1;

/** For how long requests may be queued without a break before the server counts as overloaded. */
const burstInMilliseconds = 500;

/** How many expired requests begin in a turn, in relation to the others. Their clients may send the next one immediately. */
const expiredPerOther = 2;

/** How long a request may be queued while the server is overloaded. */
const timeoutInMilliseconds = 250;

/** A request that was queued: its HTTP server sets it as `response.locals.queued`. */
export interface Queued {
  /** When it arrived, in terms of performance.now(). */
  readonly since: number;
  /** Whether it was queued for too long, and is to be rejected. */
  isExpired: boolean;
}

/** Begins a request. */
type Begin = (queued?: Queued) => void;

/**
 * Bounds how many requests begin in a turn of the event loop; further ones are queued, in the order of their arrival.
 * libuv accepts only one connection in a turn. Without this, a turn takes as long as a request of every connection: while
 * 1,000 clients sent one request after the other, `/healthz` on a new connection took 297 s.
 *
 * If the queue does not become empty, the server is overloaded, and requests expire in it. @fastify/under-pressure and
 * toobusy-js measure the delay of the event loop instead, which stays short here.
 */
export function createShortTurns() {
  const queue: (Queued & { begin: Begin })[] = [];
  /** Since when the queue has not been empty. */
  let queuedSince = 0;
  let begun = 0;
  let hasAccepted = false;
  let isEndScheduled = false;

  function mayBegin(): number {
    return hasAccepted ? maxPerAcceptingTurn : maxPerTurn;
  }

  /** Removes the requests that have expired, or the oldest of them. */
  function takeExpired(): typeof queue {
    const now = performance.now();
    if (now - queuedSince < burstInMilliseconds) return [];
    let count = 0;
    while (count < expiredPerOther * mayBegin() && now - (queue[count]?.since ?? now) > timeoutInMilliseconds)
      count += 1;
    const expired = queue.splice(0, count);
    for (const queued of expired) queued.isExpired = true;
    return expired;
  }

  function endTurn(): void {
    const expired = queue.length > 0 ? takeExpired() : [];
    // While requests expire, the newest begin: the oldest would too, just before they expire.
    const next = queue.splice(expired.length > 0 ? -mayBegin() : 0, mayBegin());
    begun = next.length;
    hasAccepted = false;
    next.push(...expired);
    isEndScheduled = next.length > 0;
    // In the next turn, each after all that the one before does in microtasks, which on SQLite may be all.
    for (const queued of next) setImmediate(queued.begin, queued);
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
      if (queue.length > 0 || begun >= mayBegin()) {
        const since = performance.now();
        if (queue.length === 0) queuedSince = since;
        queue.push({ begin, since, isExpired: false });
      } else {
        begun += 1;
        begin();
      }
    },
  };
}
