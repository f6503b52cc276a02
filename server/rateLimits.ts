/** Rate limits: requests for each key, and failed keys for each address. */
import cluster from "node:cluster";
import {
  type RateLimiterAbstract,
  RateLimiterCluster,
  RateLimiterMemory,
  RateLimiterPostgres,
  RateLimiterRes,
} from "rate-limiter-flexible";
import type { Database } from "./database/database.ts";
import { ApiError, UnavailableError } from "./errors.ts";

const windowInSeconds = 60;

/** Counts requests and refuses those over a limit. */
export interface RateLimits {
  /**
   * Counts a request of a key.
   * @returns the RateLimit headers of its answer
   * @throws {ApiError} 429 when the key is over its limit
   */
  countRequest(keyId: string): Promise<Record<string, string>>;
  /**
   * Counts a failed key; a request without any key counts nothing, but gets the 429 too.
   * @throws {ApiError} 429 when the network of the caller is over its limit
   */
  countFailedKey(findNetwork: () => string, hasKey: boolean): Promise<void>;
}

/**
 * Counts exactly: in memory on SQLite, that of the primary where there are workers, and on PostgreSQL in an
 * unlogged table that all processes share.
 * @param requestsPerMinute for each key; 0 for no limits at all
 */
export function createRateLimits(
  requestsPerMinute: number,
  { rateLimitStore }: Database,
): RateLimits | undefined {
  if (requestsPerMinute === 0) return undefined;
  const failuresPerMinute = Math.ceil(requestsPerMinute / 10);
  const requests = limiterOf("key", requestsPerMinute);
  const failures = limiterOf("address", failuresPerMinute);

  function limiterOf(keyPrefix: string, points: number): RateLimiterAbstract {
    const options = { keyPrefix, points, duration: windowInSeconds };
    return rateLimitStore
      ? new RateLimiterPostgres({
          ...options,
          storeClient: rateLimitStore,
          storeType: "pool",
          tableName: "rate_limits",
          tableCreated: true,
        })
      : cluster.isWorker
        ? new RateLimiterCluster({ ...options, timeoutMs: 1_000 })
        : new RateLimiterMemory(options);
  }

  async function count(limiter: RateLimiterAbstract, limit: number, name: string, points: number) {
    try {
      return headersOf(limit, await limiter.consume(name, points));
    } catch (rejection) {
      // What keeps the counts is away, or the primary too busy to say them.
      if (rejection instanceof Error && !(rejection instanceof UnavailableError))
        throw new UnavailableError("the rate limits", { cause: rejection });
      if (!(rejection instanceof RateLimiterRes)) throw rejection;
      const headers = headersOf(limit, rejection);
      throw new ApiError(429, "Rate limit exceeded.", {
        retryAfter: Math.max(1, Number(headers["RateLimit-Reset"])),
        headers,
      });
    }
  }

  return {
    countRequest: (keyId) => count(requests, requestsPerMinute, keyId, 1),
    async countFailedKey(findNetwork, hasKey) {
      await count(failures, failuresPerMinute, findNetwork(), hasKey ? 1 : 0);
    },
  };
}

function headersOf(limit: number, state: RateLimiterRes): Record<string, string> {
  return {
    "RateLimit-Limit": String(limit),
    "RateLimit-Remaining": String(Math.max(0, state.remainingPoints)),
    "RateLimit-Reset": String(Math.ceil(state.msBeforeNext / 1000)),
  };
}
