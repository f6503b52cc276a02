/** A `fetch` that tries again what may be sent twice, where that may help. */

export interface RetryOptions {
  /** How often a request is tried again at most: 3 unless given, 0 for never. */
  maxRetries?: number | undefined;
  /**
   * Milliseconds that each try may take, until its whole answer is there: 15,000 unless given, which is
   * as long as the API waits for a request. For a limit of a whole call, waits included, give the call a
   * `signal`: `AbortSignal.timeout(milliseconds)`.
   */
  timeout?: number | undefined;
}

type Fetch = (request: Request, ...extensions: never[]) => Promise<Response>;

/** A read changes nothing, and an update sets absolute values: the second time changes nothing more. */
const repeatableMethods = ["GET", "HEAD", "OPTIONS", "PATCH"];
/** The API's own words for "later", and a proxy's for a connection to the API that failed. */
const retriedStatuses = [429, 502, 503, 504];
/** When the network fails, when a try takes too long, and when what came of an answer is not all of its JSON. */
const retriedErrors = ["TypeError", "TimeoutError", "SyntaxError"];

const firstBackoffInMilliseconds = 500;
const longestBackoffInMilliseconds = 30_000;
/** A timer that is set for longer goes off at once. */
const longestTimerInMilliseconds = 2 ** 31 - 1;
/** The API counts requests by the minute, so it asks for no more; a longer wait is for the caller to decide. */
const longestRetryAfterInSeconds = 60;

/**
 * Wraps a `fetch`. Network failures, tries that took too long and the statuses 429, 502, 503 and 504 are
 * tried again, with the same bytes and headers, when the request is a read, an update, or a create with
 * an Idempotency-Key. Before each retry it waits as long as `Retry-After` says, and on top of that for a
 * random time of up to 500 ms, twice that before the second retry, and so on up to 30 s. The last answer is returned,
 * or the last error thrown, as `fetch` does; so is an answer whose `Retry-After` is more than a minute.
 * The request's signal ends tries and waits at once, with its reason.
 */
export function createRetryingFetch(
  fetch: Fetch,
  { maxRetries = 3, timeout = 15_000 }: RetryOptions = {},
): Fetch {
  /** One try, to the last byte: an answer that breaks off is a failure as one that never came. */
  async function tryOnce(request: Request, ...extensions: never[]): Promise<Response> {
    request.signal.throwIfAborted();
    const deadline = new AbortController();
    const timer = setTimeout(
      () => deadline.abort(new DOMException(`No answer within ${timeout} ms.`, "TimeoutError")),
      Math.min(timeout, longestTimerInMilliseconds),
    );
    const stopFollowing = onAbort(request.signal, () => deadline.abort(request.signal.reason));
    try {
      const copy = new Request(request.clone(), { signal: deadline.signal });
      // openapi-fetch sets what Request does not know, such as the `next` of Next.js, on the object.
      Object.assign(copy, Object.fromEntries(Object.entries(request)));
      const response = await fetch(copy, ...extensions);
      const text = await response.clone().text();
      // Chromium takes headers that broke off for a whole answer without a body. Every success has one.
      if (response.ok && request.method !== "HEAD" && response.status !== 204) JSON.parse(text);
      return response;
    } catch (error) {
      throw deadline.signal.aborted ? deadline.signal.reason : error;
    } finally {
      clearTimeout(timer);
      stopFollowing();
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
        const response = await tryOnce(request, ...extensions);
        if (!retriedStatuses.includes(response.status)) return response;
        retryAfter = retryAfterOf(response) ?? 0;
        if (retryAfter > longestRetryAfterInSeconds) return response;
      } catch (error) {
        if (!retriedErrors.includes((error as Error)?.name)) throw error;
      }
      // Jitter on all of the backoff, and on top of Retry-After, or all who failed together come again together.
      const backoff = Math.min(firstBackoffInMilliseconds * 2 ** retry, longestBackoffInMilliseconds);
      await wait(retryAfter * 1000 + Math.random() * backoff, request.signal);
    }
    return tryOnce(request, ...extensions);
  };
}

/**
 * The seconds that an answer asks to wait: its `Retry-After`, a number or a date (RFC 9110, section
 * 10.2.3), undefined where it has none. A date is compared with that of the answer, as the clock here may
 * be wrong.
 */
export function retryAfterOf({ headers }: Response): number | undefined {
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

/** Calls back when the signal is aborted, at once where it is; returns what ends that. */
function onAbort(signal: AbortSignal, callback: () => void): () => void {
  if (signal.aborted) callback();
  signal.addEventListener("abort", callback);
  return () => signal.removeEventListener("abort", callback);
}
