import { createCheckedFetch } from "../../server/checkedFetch.ts";
import type { ObservedResponse } from "../../server/contractCheck.ts";
import { rememberBody } from "./secrets.ts";

export type CheckedFetch = ReturnType<typeof createCheckedFetch>;

/** Options of a client that sends each call at once, and only once. */
export const immediate = {
  maxRetries: 0,
  maxConcurrency: Number.POSITIVE_INFINITY,
  waitForRateLimit: false,
} as const;

/**
 * A `fetch` that compares every response with the contract, and remembers the text of request bodies, so that
 * the end of the test can search the logs for it.
 */
export function createTestFetch(onResponse?: (response: ObservedResponse) => void): CheckedFetch {
  const checkedFetch = createCheckedFetch({ ...(onResponse && { onResponse }) });
  return async (input, init) => {
    const request = new Request(input, init);
    if (request.body) rememberBody(await request.clone().text());
    return checkedFetch(request);
  };
}
