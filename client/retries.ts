/** A `fetch` that retries requests if they are safe to repeat and may succeed later. */
import type { Pacer } from "./pacing.ts";

export interface RetryOptions {
  /** The maximum number of retries of a request: 3 by default, 0 for none. */
  maxRetries?: number | undefined;
  /**
   * Milliseconds that each attempt may take, until its whole response has arrived: 15,000 by default, which is as long
   * as the API waits for a request. To limit a whole call, waits included, pass the call a `signal`:
   * `AbortSignal.timeout(milliseconds)`.
   */
  timeout?: number | undefined;
}

type Fetch = (request: Request, ...extensions: never[]) => Promise<Response>;

/** Reads change nothing, and updates set absolute values, so repeating them is safe. */
const repeatableMethods = ["GET", "HEAD", "OPTIONS", "PATCH"];
/** The API's temporary errors, and those of a proxy whose connection to the API failed. */
const retriedStatuses = [408, 429, 502, 503, 504];
/** A network failure, an attempt that took too long, and a response whose JSON is incomplete. */
const retriedErrors = ["TypeError", "TimeoutError", "SyntaxError"];

const firstBackoffInMilliseconds = 500;
const longestBackoffInMilliseconds = 30_000;
/** A timer with a longer delay fires immediately. */
const longestTimerInMilliseconds = 2 ** 31 - 1;
/** The API's limits are per minute, so its `Retry-After` is never longer; whether to wait longer is up to the caller. */
const longestRetryAfterInSeconds = 60;

/**
 * Wraps a `fetch`. Network failures, attempts that took too long and the statuses 408, 429, 502, 503 and 504 are
 * retried, with the same bytes and headers, if the request is a read, an update, or a create with an Idempotency-Key.
 * Each retry waits as long as `Retry-After` says, plus a random time of up to 500 ms before the first retry, doubled for
 * each further one, up to 30 s. After the last attempt, its response is returned or its error thrown, as by `fetch`. A
 * response whose `Retry-After` is more than a minute is returned immediately. The request's signal aborts attempts and
 * waits immediately, with its reason.
 * @param pacer decides when each attempt may be sent
 */
export function createRetryingFetch(
  fetch: Fetch,
  pacer: Pacer,
  { maxRetries = 3, timeout = 15_000 }: RetryOptions = {},
): Fetch {
  /**
   * Makes one attempt and receives the whole response: an incomplete response counts as a failure, like a missing one.
   */
  async function attempt(request: Request, ...extensions: never[]): Promise<Response> {
    request.signal.throwIfAborted();
    const deadline = new AbortController();
    const timer = setTimeout(
      () => deadline.abort(new DOMException(`No response within ${timeout} ms.`, "TimeoutError")),
      Math.min(timeout, longestTimerInMilliseconds),
    );
    const stopFollowing = onAbort(request.signal, () => deadline.abort(request.signal.reason));
    try {
      const copy = new Request(request.clone(), { signal: deadline.signal });
      // openapi-fetch sets options that Request does not support, such as `next` of Next.js, as properties of the request.
      Object.assign(copy, Object.fromEntries(Object.entries(request)));
      const response = await fetch(copy, ...extensions);
      const text = await response.clone().text();
      // Chromium treats incomplete headers as a complete response without a body. Every successful response but a 204
      // has one.
      if (response.ok && request.method !== "HEAD" && response.status !== 204) JSON.parse(text);
      return response;
    } catch (error) {
      throw deadline.signal.aborted ? deadline.signal.reason : error;
    } finally {
      clearTimeout(timer);
      stopFollowing();
    }
  }

  async function attemptInTurn(
    isRetry: boolean,
    request: Request,
    ...extensions: never[]
  ): Promise<Response> {
    const leave = await pacer.enter(request.signal, isRetry);
    let response: Response | undefined;
    try {
      response = await attempt(request, ...extensions);
      return response;
    } finally {
      leave(response);
    }
  }

  return async (request, ...extensions) => {
    const isRepeatable =
      repeatableMethods.includes(request.method) ||
      (request.method === "POST" && request.headers.has("Idempotency-Key"));
    const retries = isRepeatable ? maxRetries : 0;
    for (let retry = 0; retry < retries; retry++) {
      let retryAfter = 0;
      try {
        const response = await attemptInTurn(retry > 0, request, ...extensions);
        if (!retriedStatuses.includes(response.status)) return response;
        retryAfter = readRetryAfter(response) ?? 0;
        if (retryAfter > longestRetryAfterInSeconds) return response;
      } catch (error) {
        if (!retriedErrors.includes((error as Error).name)) throw error;
      }
      // Jitter over the whole backoff, in addition to Retry-After, so that clients that failed together do not retry
      // together.
      const backoff = Math.min(firstBackoffInMilliseconds * 2 ** retry, longestBackoffInMilliseconds);
      await wait(retryAfter * 1000 + Math.random() * backoff, request.signal);
    }
    return attemptInTurn(retries > 0, request, ...extensions);
  };
}

/**
 * Returns the seconds in a response's `Retry-After`, a number or a date (RFC 9110, section 10.2.3), or undefined if it
 * has none. A date is compared with the response's own `Date`, because the local clock may be wrong.
 */
export function readRetryAfter({ headers }: Response): number | undefined {
  const value = headers.get("Retry-After") ?? "";
  if (/^\d+$/.test(value)) return Number(value);
  const now = Date.parse(headers.get("Date") ?? "") || Date.now();
  const seconds = Math.ceil((Date.parse(value) - now) / 1000);
  return Number.isNaN(seconds) ? undefined : Math.max(0, seconds);
}

function wait(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      stopFollowing();
      resolve();
    }, milliseconds);
    const stopFollowing = onAbort(signal, () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}

/** Calls back when the signal is aborted, immediately if it already is. Returns a function that stops listening. */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  if (signal.aborted) callback();
  signal.addEventListener("abort", callback);
  return () => signal.removeEventListener("abort", callback);
}
