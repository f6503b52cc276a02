/** Keeps the requests of one client within the API's rate limit, and limits how many are in flight. */
import { onAbort, readRetryAfter } from "./retries.ts";

export interface PacingOptions {
  /** How many requests may be in flight at once, 1 or more: 10 by default. Further calls wait for their turn. */
  maxConcurrency?: number | undefined;
  /** Whether calls wait while the rate limit is exhausted, which is the default, or are sent and may get a 429. */
  waitForRateLimit?: boolean | undefined;
}

/** Decides when each request may be sent. */
export interface Pacer {
  /**
   * Waits for the turn of a request.
   * @param isRetry whether it goes before all requests that have not been sent yet
   * @returns a function to call when the request is over, with its response if there is one
   * @throws the reason of `signal` once it is aborted
   */
  enter(signal: AbortSignal, isRetry: boolean): Promise<(response?: Response) => void>;
}

interface RateWindow {
  /** In terms of `performance.now()`, like all times here. */
  endsAt: number;
  /** How many requests may still be sent: an estimate that counts those in flight. */
  remaining: number;
  /** The lowest RateLimit-Remaining of any response, which is exact once nothing is in flight. */
  lowest: number;
}

/** The API counts requests per minute. All durations are in milliseconds. */
const minute = 60_000;
/** Timers fire late; delays of up to this long are made up for. */
const catchUp = 100;
/** RateLimit-Reset is in whole seconds, so the end of a window is known only to the second; half a second for transit. */
const resolution = 1_500;

/**
 * Sends requests immediately until the RateLimit headers of a response, or a 429, show that the window is exhausted. Then
 * all requests wait for its end, and from then on are sent at the rate of RateLimit-Limit, evenly spaced, until a
 * minute has passed in which no request had to wait.
 */
export function createPacer({ maxConcurrency = 10, waitForRateLimit = true }: PacingOptions = {}): Pacer {
  if (!(maxConcurrency >= 1)) throw new RangeError("maxConcurrency must be 1 or more.");
  /** Waiting requests, in order. */
  const retries = new Set<() => void>();
  const firstAttempts = new Set<() => void>();
  let inFlight = 0;
  let sent = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;

  let requestsPerMinute: number | undefined;
  let window: RateWindow | undefined;
  /** When spacing ends, and when the next request may be sent. */
  let spacedUntil = 0;
  let nextAt = 0;

  /** When the next request may be sent; at most `now` if immediately. */
  function nextTurn(now: number): number {
    if (window && window.endsAt <= now) window = undefined;
    if (window && window.remaining <= 0) return window.endsAt;
    return now < spacedUntil ? nextAt : now;
  }

  function start(now: number): (response?: Response) => void {
    inFlight++;
    const number = ++sent;
    if (window) window.remaining--;
    if (now < spacedUntil && requestsPerMinute) {
      nextAt = Math.max(nextAt, now - catchUp) + minute / requestsPerMinute;
    }
    return (response) => {
      inFlight--;
      if (response && waitForRateLimit) learn(response, sent - number);
      run();
    };
  }

  /** @param sentSince the number of requests sent after the one that got this response */
  function learn(response: Response, sentSince: number): void {
    const now = performance.now();
    const [limit, remaining, reset] = ["Limit", "Remaining", "Reset"].map((name) => {
      return Number.parseInt(response.headers.get(`RateLimit-${name}`) ?? "", 10);
    }) as [number, number, number];
    if (limit > 0) requestsPerMinute = limit;
    if (response.status === 429) {
      const endsAt = now + Math.min((readRetryAfter(response) ?? 0) * 1_000, minute);
      window = { endsAt: Math.max(endsAt, window?.endsAt ?? 0), remaining: 0, lowest: 0 };
    } else if (remaining >= 0 && reset >= 0) {
      const reported = { endsAt: now + reset * 1_000, remaining: remaining - sentSince, lowest: remaining };
      if (!window || reported.endsAt > window.endsAt + resolution) window = reported;
      if (reported.endsAt < window.endsAt - resolution) return;
      window.lowest = Math.min(window.lowest, remaining);
      window.remaining = inFlight === 0 ? window.lowest : Math.min(window.remaining, reported.remaining);
    }
  }

  /** Sends all requests that are due, and schedules itself for the next one. */
  function run(): void {
    clearTimeout(timer);
    timer = undefined;
    while (inFlight < maxConcurrency) {
      const queue = retries.size > 0 ? retries : firstAttempts;
      const [pass] = queue;
      if (!pass) return;
      const now = performance.now();
      const turn = nextTurn(now);
      if (turn > now) {
        spacedUntil = Math.max(spacedUntil, turn + minute);
        timer = setTimeout(run, Math.min(Math.ceil(turn - now), minute));
        return;
      }
      queue.delete(pass);
      pass();
    }
  }

  return {
    enter(signal, isRetry) {
      return new Promise((resolve, reject) => {
        const queue = isRetry ? retries : firstAttempts;
        const pass = () => {
          stopFollowing();
          resolve(start(performance.now()));
        };
        const stopFollowing = onAbort(signal, () => {
          queue.delete(pass);
          reject(signal.reason);
          if (retries.size + firstAttempts.size === 0) clearTimeout(timer);
        });
        if (signal.aborted) return stopFollowing();
        queue.add(pass);
        run();
      });
    },
  };
}
