/** Rate limits: requests per key, and invalid keys per network. */
import cluster from "node:cluster";
import { RateLimiterCluster, RateLimiterMemory, RateLimiterRes } from "rate-limiter-flexible";
import type { Database } from "./database/database.ts";
import { ApiError, UnavailableError } from "./errors.ts";
import { createSharedRateLimiter, type RateLimiter, type Usage } from "./sharedRateLimiter.ts";

const windowInSeconds = 60;

/** Counts requests and rejects those over a limit. */
export interface RateLimits {
  /**
   * Counts a request of a key.
   * @param ownLimit the key's own limit per minute; null for the server's
   * @returns the RateLimit headers of the response
   * @throws {ApiError} 429 when the key is over its limit
   */
  countRequest(keyId: string, ownLimit: number | null): Promise<Record<string, string>>;
  /**
   * Counts an invalid key. A request without a key is not counted, but also gets a 429 over the limit.
   * @throws {ApiError} 429 when the caller's network is over its limit
   */
  countInvalidKey(network: string, hasKey: boolean): Promise<void>;
  /** Whether this process knows of any network over its limit of invalid keys. */
  hasNetworksOverLimit(): boolean;
  /**
   * Rejects a request if its network is over the limit, without querying the database.
   * @throws {ApiError} 429 when this process knows that the network is over its limit
   */
  rejectIfOverLimit(network: string): void;
}

/**
 * Creates the rate limits. On SQLite they are counted in memory, by the primary if there are workers; on PostgreSQL all
 * processes share them.
 * @param requestsPerMinute for each key, above 0; the limit of invalid keys is a tenth of it, rounded up
 */
export function createRateLimits(requestsPerMinute: number, database: Database): RateLimits {
  const failuresPerMinute = Math.ceil(requestsPerMinute / 10);
  /** The limiters of keys, by limit. There are few, because only the operator sets limits of individual keys. */
  const requests = new Map<number, RateLimiter>();
  const failures = createLimiter("address", failuresPerMinute, database);
  /** For each network over its limit, when its window ends, in terms of performance.now(). */
  const overLimit = new Map<string, number>();

  function rememberOverLimit(network: string, millisecondsUntilReset: number): void {
    if (overLimit.has(network)) return;
    overLimit.set(network, performance.now() + millisecondsUntilReset);
    setTimeout(() => overLimit.delete(network), millisecondsUntilReset).unref();
  }

  return {
    async countRequest(keyId, ownLimit) {
      const limit = ownLimit ?? requestsPerMinute;
      let limiter = requests.get(limit);
      if (!limiter) {
        limiter = createLimiter(`key${limit}`, limit, database);
        requests.set(limit, limiter);
      }
      return checkUsage(limit, await limiter.consume(keyId, 1));
    },
    async countInvalidKey(network, hasKey) {
      const usage = await failures.consume(network, hasKey ? 1 : 0);
      if (usage.consumed > failuresPerMinute) rememberOverLimit(network, usage.millisecondsUntilReset);
      checkUsage(failuresPerMinute, usage);
    },
    hasNetworksOverLimit: () => Boolean(overLimit.size),
    rejectIfOverLimit(network) {
      const millisecondsUntilReset = (overLimit.get(network) ?? 0) - performance.now();
      if (millisecondsUntilReset > 0)
        checkUsage(failuresPerMinute, { consumed: failuresPerMinute + 1, millisecondsUntilReset });
    },
  };
}

function createLimiter(prefix: string, limit: number, database: Database): RateLimiter {
  if (database.dialect === "postgres") {
    const windowInMilliseconds = windowInSeconds * 1_000;
    return createSharedRateLimiter(database, { prefix: `${prefix}:`, limit, windowInMilliseconds });
  }
  const options = { keyPrefix: prefix, points: limit, duration: windowInSeconds, timeoutMs: 1_000 };
  const limiter = cluster.isWorker ? new RateLimiterCluster(options) : new RateLimiterMemory(options);
  return {
    async consume(name, points) {
      // It rejects with the usage if the limit is exceeded.
      const { consumedPoints, msBeforeNext } = await limiter.consume(name, points).catch((rejection) => {
        if (rejection instanceof RateLimiterRes) return rejection;
        throw new UnavailableError("the primary did not count the request", { cause: rejection });
      });
      // A timer ends the window, but `msBeforeNext` is the difference of two system times: an hour too long if the
      // clock has been set back by an hour.
      return {
        consumed: consumedPoints,
        millisecondsUntilReset: Math.min(msBeforeNext, windowInSeconds * 1_000),
      };
    },
  };
}

/**
 * Returns the RateLimit headers of a response, unless the usage is over the limit.
 * @throws {ApiError} 429 when it is
 */
function checkUsage(limit: number, usage: Usage): Record<string, string> {
  const headers = createHeaders(limit, usage);
  if (usage.consumed <= limit) return headers;
  throw new ApiError(429, "Rate limit exceeded.", {
    retryAfter: Math.max(1, Number(headers["RateLimit-Reset"])),
    headers,
  });
}

function createHeaders(limit: number, { consumed, millisecondsUntilReset }: Usage): Record<string, string> {
  return {
    "RateLimit-Limit": String(limit),
    "RateLimit-Remaining": String(Math.max(0, limit - consumed)),
    // Rounded up, so that a client that waits this long is not rejected again.
    "RateLimit-Reset": String(Math.ceil(millisecondsUntilReset / 1_000)),
  };
}
