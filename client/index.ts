/**
 * The client: openapi-fetch with the types of the contract, plus what every caller of this API needs: pagination,
 * retries that never create a customer twice, pacing within the rate limit, and errors that are thrown. It runs wherever
 * `fetch` does, in Node.js and in browsers.
 */
import openapiFetch, {
  type Client,
  type ClientOptions,
  type FetchOptions,
  type Middleware,
  mergeHeaders,
} from "openapi-fetch";
import type { Customer, CustomerList, operations, paths } from "../generated/api.ts";
import { createPacer, type PacingOptions } from "./pacing.ts";
import { createRetryingFetch, type RetryOptions, readRetryAfter } from "./retries.ts";

export type {
  Customer,
  CustomerCreate,
  CustomerList,
  CustomerStatus,
  CustomerUpdate,
  paths,
} from "../generated/api.ts";

/** In the bundle, as in Node.js, the default import of a CommonJS module is the whole module. */
const createClient = ("default" in openapiFetch ? openapiFetch.default : openapiFetch) as typeof openapiFetch;

export interface CustomersClientOptions extends Omit<ClientOptions, "baseUrl">, RetryOptions, PacingOptions {
  /** The URL of the API, such as `https://distribu.app/api/v1`. */
  baseUrl: string;
  /** `dk_` followed by 43 characters. */
  apiKey: string;
}

/** The filters of a list, its page size, and the cursor to start after. */
export type CustomersQuery = NonNullable<operations["listCustomers"]["parameters"]["query"]>;

/** Customers one by one, or page by page. */
export interface Customers extends AsyncGenerator<Customer, void, undefined> {
  /** The same customers as pages, each as the API returns it. Use either this or the customers themselves. */
  pages(): AsyncGenerator<CustomerList, void, undefined>;
}

/** Every operation of the contract, typed (`client.GET("/customers/{id}", ...)`), plus helpers for common tasks. */
export interface CustomersClient extends Client<paths> {
  /**
   * All customers that match, newest first. Each page is requested when it is needed, and has 100 customers unless
   * `limit` says otherwise.
   * @param init options of openapi-fetch for each request, such as a `signal`
   * @throws {CustomersApiError} during the iteration, if the request for a page fails
   */
  customers(query?: CustomersQuery, init?: ListInit): Customers;
  /**
   * The customer with exactly this email, ignoring ASCII case, or undefined if there is none.
   * @param init options of openapi-fetch for the request, such as a `signal`
   * @throws {CustomersApiError} if the request fails, with 400 for an email of more than 254 characters
   */
  findCustomerByEmail(email: string, init?: ListInit): Promise<Customer | undefined>;
}

type ListInit = Omit<FetchOptions<operations["listCustomers"]>, "params" | "parseAs">;

/**
 * Creates a client for one API key. A `fetch` passed here sends each attempt; one passed to a call also replaces the
 * retries and the pacing of that call.
 * @throws {RangeError} if `maxConcurrency` is less than 1
 */
export function createCustomersClient({
  apiKey,
  headers,
  fetch = (request) => globalThis.fetch(request),
  maxRetries,
  timeout,
  maxConcurrency,
  waitForRateLimit,
  ...options
}: CustomersClientOptions): CustomersClient {
  const client = createClient<paths>({
    ...options,
    headers: mergeHeaders(headers, { Authorization: `Bearer ${apiKey}` }),
    fetch: createRetryingFetch(fetch, createPacer({ maxConcurrency, waitForRateLimit }), {
      maxRetries,
      timeout,
    }),
  });
  client.use(automaticIdempotencyKey);

  async function* pages({ cursor, ...query }: CustomersQuery, init: ListInit) {
    let next: string | null | undefined = cursor;
    do {
      const page: CustomerList = await unwrap(
        client.GET("/customers", {
          ...init,
          params: { query: { limit: 100, ...query, ...(next && { cursor: next }) } },
        }),
      );
      yield page;
      next = page.pagination.nextCursor;
    } while (next !== null);
  }
  async function* each(query: CustomersQuery, init: ListInit) {
    for await (const page of pages(query, init)) yield* page.data;
  }

  return Object.assign(client, {
    customers: (query = {}, init = {}) =>
      Object.assign(each(query, init), { pages: () => pages(query, init) }),
    async findCustomerByEmail(email, init = {}) {
      // The API ignores an empty email, and would return the newest customer.
      if (!email) return undefined;
      const query = { email, limit: 1 };
      const list = await unwrap(client.GET("/customers", { ...init, params: { query } }));
      return list.data[0];
    },
  } satisfies Pick<CustomersClient, "customers" | "findCustomerByEmail">);
}

/** Adds an Idempotency-Key to a create that has none, so that it can be retried. */
const automaticIdempotencyKey: Middleware = {
  onRequest({ request }) {
    if (request.method !== "POST" || request.headers.has("Idempotency-Key")) return;
    // Not randomUUID, which browsers provide only in secure contexts.
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    request.headers.set("Idempotency-Key", Array.from(bytes, (byte) => byte.toString(16)).join("-"));
  },
};

/** What a call of openapi-fetch resolves to. */
interface Result {
  data?: unknown;
  error?: unknown;
  response: Response;
}

/**
 * Returns the body of a successful response, from the result of a call or its promise.
 * @throws {CustomersApiError} for any other response, including a 304
 */
export function unwrap<R extends Result>(result: Promise<R>): Promise<NonNullable<R["data"]>>;
export function unwrap<R extends Result>(result: R): NonNullable<R["data"]>;
export function unwrap(result: Result | Promise<Result>): unknown {
  if ("then" in result) return result.then((settled) => unwrap(settled));
  if (result.response.ok) return result.data;
  throw new CustomersApiError(result);
}

/** The error for a response that is not successful. For a network failure, `fetch` throws its own error instead. */
export class CustomersApiError extends Error {
  override readonly name = "CustomersApiError";
  /** The HTTP status. */
  readonly status: number;
  /** The field, parameter or header that caused a 400, if there is exactly one. */
  readonly field: string | undefined;
  /** The request ID, for the API's operators. */
  readonly requestId: string | undefined;
  /** Seconds to wait before the next request, on 429 and 503. */
  readonly retryAfter: number | undefined;

  constructor({ error, response }: Result) {
    // A response from a proxy may not be JSON.
    const body = Object(error) as { error?: unknown; field?: unknown };
    super(
      typeof body.error === "string" ? body.error : `HTTP ${response.status} ${response.statusText}`.trim(),
    );
    this.status = response.status;
    this.field = typeof body.field === "string" ? body.field : undefined;
    this.requestId = response.headers.get("X-Request-Id") ?? undefined;
    this.retryAfter = readRetryAfter(response);
  }
}

/**
 * Returns the entity tag of the customer in a response, for `If-Match` and `If-None-Match`. A proxy that compresses may
 * have made the tag weak; it is returned as the API sent it.
 * @throws {TypeError} if the response has none: an update without `If-Match` would overwrite the changes of others
 */
export function readEntityTag({ response }: { response: Response }): string {
  const tag = response.headers.get("ETag");
  if (tag === null) throw new TypeError(`The response, a ${response.status}, has no ETag.`);
  return tag.replace(/^W\//, "");
}
