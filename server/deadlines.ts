/** Deadlines of requests. */

/** How often deadlines are checked, in milliseconds, and therefore how late an expiry may be noticed. */
const checkInterval = 50;

/** The deadline of a request. */
export interface Deadline {
  /** Starts or resumes the countdown. */
  start(): void;
  /** Pauses the countdown. */
  stop(): void;
}

/**
 * Creates deadlines. The running ones form a linked list that a single timer checks: a timer per request would take 4 %
 * of the CPU time of a point read, and the old tables of a Set would keep finished requests in memory.
 * @param expire called with the owner of a deadline when it expires
 * @returns a function that creates a deadline, which is not running yet, from its owner and the milliseconds that have
 *   already elapsed
 */
export function createDeadlines<Owner>(
  timeoutInMilliseconds: number,
  expire: (owner: Owner) => void,
): (owner: Owner, elapsed: number) => Deadline {
  let timer: NodeJS.Timeout | undefined;
  let first: RunningDeadline | undefined;

  class RunningDeadline implements Deadline {
    previous: RunningDeadline | undefined;
    next: RunningDeadline | undefined;
    expiresAt = Number.POSITIVE_INFINITY;
    private millisecondsLeft: number;
    private isRunning = false;
    readonly owner: Owner;

    constructor(owner: Owner, elapsed: number) {
      this.owner = owner;
      this.millisecondsLeft = timeoutInMilliseconds - elapsed;
    }

    start(): void {
      if (this.isRunning) return;
      this.isRunning = true;
      this.expiresAt = performance.now() + this.millisecondsLeft;
      this.next = first;
      if (first) first.previous = this;
      first = this;
      timer ??= setInterval(check, checkInterval).unref();
    }

    stop(): void {
      if (!this.isRunning) return;
      this.isRunning = false;
      this.millisecondsLeft = this.expiresAt - performance.now();
      if (this.previous) this.previous.next = this.next;
      else first = this.next;
      if (this.next) this.next.previous = this.previous;
      // Otherwise this deadline, once promoted to V8's old generation, would keep its neighbors in memory.
      this.previous = undefined;
      this.next = undefined;
    }
  }

  function check(): void {
    const now = performance.now();
    const expired: RunningDeadline[] = [];
    for (let deadline = first; deadline; deadline = deadline.next)
      if (deadline.expiresAt <= now) expired.push(deadline);
    for (const deadline of expired) {
      deadline.stop();
      expire(deadline.owner);
    }
    if (first) return;
    clearInterval(timer);
    timer = undefined;
  }

  return (owner, elapsed) => new RunningDeadline(owner, elapsed);
}
