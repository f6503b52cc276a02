/**
 * How many requests may begin in a turn of the event loop. On SQLite, the writes of a turn share a transaction, so fewer
 * would cost throughput.
 */
const maxPerTurn = 64;

/** The same for a turn that accepted a connection. */
const maxPerAcceptingTurn = 1;

/** While the database is busy, as many requests are rejected in a turn as if this many began. */
const minPerTurn = 4;

/** How many requests are rejected for each that begins. A 503 takes a tenth to a fifth of a list's CPU time. */
const rejectedPerBegun = 4;

/** How long a request may be queued: a database that no longer responds takes up to another second. */
const maxQueuedMilliseconds = 700;

/** How long to wait before checking a busy database again, in milliseconds. */
const busyPause = 1;

/** Begins or rejects a request. */
type Action = () => void;

interface Queued {
  begin: Action;
  reject: Action | undefined;
  since: number;
}

export interface AdmissionOptions {
  /** How many requests may be queued; further ones are rejected, a few in each turn. */
  maxQueued: number;
  /** Whether requests should be queued because the database has enough to do. */
  isDatabaseBusy: () => boolean;
}

/**
 * Bounds how many requests begin in a turn of the event loop; further ones are queued, in the order of their arrival.
 * libuv accepts only one connection in a turn. Without the bound, one request of each connection runs in every turn: while
 * 1,000 clients sent one request after the other, `/healthz` on a new connection took 297 s.
 */
export function createAdmission({ maxQueued, isDatabaseBusy }: AdmissionOptions) {
  const queue: Queued[] = [];
  const rejected: Action[] = [];
  let begun = 0;
  let hasAccepted = false;
  let hasBegunProbe = false;
  let isEndScheduled = false;

  function mayBegin(): number {
    return hasAccepted ? maxPerAcceptingTurn : maxPerTurn;
  }

  function endTurn(): void {
    const oldest = performance.now() - maxQueuedMilliseconds;
    for (let [first] = queue; first?.reject && first.since < oldest; [first] = queue) {
      rejected.unshift(first.reject);
      queue.shift();
    }
    const next = isDatabaseBusy() ? [] : queue.splice(0, mayBegin()).map(({ begin }) => begin);
    begun = next.length;
    const rejections = rejectedPerBegun * Math.max(begun, hasAccepted ? maxPerAcceptingTurn : minPerTurn);
    next.push(...rejected.splice(0, rejections));
    hasAccepted = false;
    hasBegunProbe = false;
    isEndScheduled = next.length > 0 || queue.length > 0;
    // In the next turn, one per immediate, so each begins after the microtasks of the previous one: on SQLite, these may be
    // the whole request.
    for (const action of next) setImmediate(action);
    if (next.length > 0) setImmediate(endTurn);
    else if (queue.length > 0) setTimeout(endTurn, busyPause);
  }

  return {
    connectionAccepted(): void {
      hasAccepted = true;
    },

    /**
     * Begins a request, now or in a later turn, or rejects it if the queue is full.
     * @param reject undefined for a probe: one of each turn begins at once, and none is rejected
     */
    admit(begin: Action, reject?: Action): void {
      if (!isEndScheduled) setImmediate(endTurn);
      isEndScheduled = true;
      if (!reject && !hasBegunProbe) {
        hasBegunProbe = true;
        begin();
      } else if (reject && queue.length >= maxQueued) rejected.push(reject);
      else if (queue.length > 0 || begun >= mayBegin() || isDatabaseBusy())
        queue.push({ begin, reject, since: performance.now() });
      else {
        begun += 1;
        begin();
      }
    },
  };
}
