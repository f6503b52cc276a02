/** Admission: whether a request begins, is queued or is rejected. */
import type { IncomingMessage } from "node:http";

/**
 * How many requests may begin in a turn of the event loop. On SQLite, the writes of a turn share a transaction, so fewer
 * would cost throughput.
 */
const maxPerTurn = 64;

/** The same for a turn that accepted a connection. */
const maxPerAcceptingTurn = 1;

/** In a turn in which fewer requests begin, as many are rejected as if this many had begun. */
const minCounted = 4;

/** How many requests are rejected for each that begins. A 503 takes a tenth to a fifth of a list's CPU time. */
const rejectedPerBegun = 4;

/**
 * How long a request may be queued while the database is busy, in milliseconds. Its deadline includes this time, so the
 * rest is left for its statements.
 */
const maxQueuedMilliseconds = 700;

/** The same while the queue is full: what cannot be served then gets its 503 sooner, and newer requests begin. */
const maxQueuedMillisecondsWhenFull = 250;

/** How long to wait before checking a busy database again, in milliseconds. */
const busyPause = 1;

/** Begins or rejects a request. */
type Action = () => void;

interface Queued {
  request: IncomingMessage;
  begin: Action;
  /** Undefined for a probe. */
  reject: Action | undefined;
  since: number;
}

export interface AdmissionOptions {
  /** How many requests may be queued; further ones are rejected, a few in each turn. */
  maxQueued: number;
  /** Whether requests should be queued because the database has enough to do. Probes begin anyway. */
  isDatabaseBusy: () => boolean;
}

const queuedTimes = new WeakMap<IncomingMessage, number>();

/** Returns how long a request was queued before it began, in milliseconds. */
export function readQueuedTime(request: IncomingMessage): number {
  return queuedTimes.get(request) ?? 0;
}

/**
 * Bounds how many requests begin in a turn of the event loop; further ones are queued, in the order of their arrival.
 * libuv accepts only one connection in a turn. Without the bound, one request of each connection runs in every turn: while
 * 1,000 clients sent one request after the other, `/healthz` on a new connection took 297 s.
 */
export function createAdmission({ maxQueued, isDatabaseBusy }: AdmissionOptions) {
  let queue: Queued[] = [];
  const rejected: Action[] = [];
  let begun = 0;
  let hasAccepted = false;
  let hasBegunProbe = false;
  let isEndScheduled = false;

  function mayBegin(): number {
    return hasAccepted ? maxPerAcceptingTurn : maxPerTurn;
  }

  /** Takes the requests that may begin from the queue. While the database is busy, these are only probes. */
  function takeNext(now: number): Queued[] {
    if (queue.length === 0 || !isDatabaseBusy()) return queue.splice(0, mayBegin());
    const probes = queue.filter(({ reject }) => !reject).slice(0, mayBegin());
    const maxWait = queue.length < maxQueued ? maxQueuedMilliseconds : maxQueuedMillisecondsWhenFull;
    const isExpired = ({ reject, since }: Queued) => reject !== undefined && now - since > maxWait;
    // They have waited longer than those that were rejected on arrival.
    rejected.unshift(...queue.filter(isExpired).map(({ reject }) => reject as Action));
    queue = queue.filter((one) => !probes.includes(one) && !isExpired(one));
    return probes;
  }

  function endTurn(): void {
    const now = performance.now();
    const next: Action[] = [];
    for (const { request, begin, since } of takeNext(now)) {
      queuedTimes.set(request, now - since);
      next.push(begin);
    }
    begun = next.length;
    const counted = Math.max(begun, hasAccepted ? maxPerAcceptingTurn : minCounted);
    next.push(...rejected.splice(0, rejectedPerBegun * counted));
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
     * Begins a request, now or in a later turn, or rejects it if the queue is full or it is queued for too long.
     * @param reject undefined for a probe: one of each turn begins at once, and none is rejected
     */
    admit(request: IncomingMessage, begin: Action, reject?: Action): void {
      if (!isEndScheduled) setImmediate(endTurn);
      isEndScheduled = true;
      if (!reject && !hasBegunProbe) {
        hasBegunProbe = true;
        begin();
      } else if (reject && queue.length >= maxQueued) rejected.push(reject);
      else if (queue.length > 0 || begun >= mayBegin() || isDatabaseBusy())
        queue.push({ request, begin, reject, since: performance.now() });
      else {
        begun += 1;
        begin();
      }
    },
  };
}
