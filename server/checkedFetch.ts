/** Sends requests and compares their responses with the contract. */
import { basePath } from "./contract.ts";
import { type Difference, findDifferences, type ObservedResponse } from "./contractCheck.ts";

/** Formats the differences: the request, then what the contract requires and what the response contains. */
export function formatReport(response: ObservedResponse, differences: Difference[]): string {
  const lines = differences.map(
    ({ where, contract, response }) => `  ${where}\n  - contract: ${contract}\n  + response: ${response}`,
  );
  return [
    `${response.method} ${response.target} responded ${response.status}, which differs from the contract:`,
    ...lines,
  ].join("\n");
}

/** @throws {Error} with a report, if the response differs from the contract */
export function assertContract(response: ObservedResponse, options?: { strictHeaders?: boolean }): void {
  const differences = findDifferences(response, options);
  if (differences.length > 0) throw new Error(formatReport(response, differences));
}

/**
 * Creates a `fetch` that compares every response of the API with the contract, and rejects if one differs.
 * @param options `onReceived` is called with the time of every response, in milliseconds from sending the request to
 *   the end of the body; `onResponse` with every response that conforms
 */
export function createCheckedFetch(
  options: {
    strictHeaders?: boolean;
    onReceived?: (milliseconds: number) => void;
    onResponse?: (response: ObservedResponse) => void;
  } = {},
): (input: Request | string | URL, init?: RequestInit) => Promise<Response> {
  return async (input, init) => {
    const request = new Request(input, init);
    const sentAt = performance.now();
    const response = await fetch(request);
    const body = await response.clone().text();
    options.onReceived?.(performance.now() - sentAt);
    const { pathname, search } = new URL(request.url);
    const apiPath = pathname.indexOf(basePath);
    const observed: ObservedResponse = {
      method: request.method,
      // A deployment may mount the API below a prefix.
      target: (apiPath > 0 ? pathname.slice(apiPath) : pathname) + search,
      status: response.status,
      headers: Object.fromEntries(response.headers),
      body,
    };
    assertContract(observed, options);
    options.onResponse?.(observed);
    return response;
  };
}
