/**
 * The client: openapi-fetch on the types of the contract, and what every caller of this API needs on top:
 * all pages of a list, retries that create nothing twice, errors that are thrown. It runs wherever `fetch`
 * does, in Node.js as in browsers.
 */
import createClient, {
  type Client,
  type ClientOptions,
  type FetchOptions,
  type Middleware,
  mergeHeaders,
} from "openapi-fetch";
import type { Customer, CustomerList, operations, paths } from "../generated/api.ts";
import { createRetryingFetch, type RetryOptions, retryAfterOf } from "./retries.ts";

export type {
  Customer,
  CustomerCreate,
  CustomerList,
  CustomerStatus,
  CustomerUpdate,
  paths,
} from "../generated/api.ts";

export interface CustomersClientOptions extends Omit<ClientOptions, "baseUrl">, RetryOptions {
  /** Where the API is, as in `https://distribu.app/api/v1`. */
  baseUrl: string;
  /** `dk_` and 43 characters. */
  apiKey: string;
}

/** What a list may be asked for: a status, a search, a page size, a cursor to begin after. */
export type CustomersQuery = NonNullable<operations["listCustomers"]["parameters"]["query"]>;

/** Every operation of the contract, typed (`client.GET("/customers/{id}", ...)`), and the walk through a list. */
export interface CustomersClient extends Client<paths> {
  /**
   * All customers that match, newest first, page after page; the next page is asked for when it is needed.
   * A page has 100 customers unless `limit` says otherwise.
   * @param init what a call of openapi-fetch takes beside its parameters, as a `signal`
   * @throws {CustomersApiError} while it is walked, where a page is refused
   */
  customers(
    query?: CustomersQuery,
    init?: Omit<FetchOptions<operations["listCustomers"]>, "params" | "parseAs">,
  ): AsyncGenerator<Customer, void, undefined>;
}

/**
 * A client for one API key. A `fetch` that is given here is what each try is sent with; one that is given
 * to a call takes the place of the retries too.
 */
export function createCustomersClient({
  apiKey,
  headers,
  fetch = (request) => globalThis.fetch(request),
  maxRetries,
  timeout,
  ...options
}: CustomersClientOptions): CustomersClient {
  const client = createClient<paths>({
    ...options,
    headers: mergeHeaders(headers, { Authorization: `Bearer ${apiKey}` }),
    fetch: createRetryingFetch(fetch, { maxRetries, timeout }),
  });
  client.use(automaticIdempotencyKey);
  return Object.assign(client, {
    async *customers({ cursor, ...query }: CustomersQuery = {}, init = {}) {
      let next: string | null | undefined = cursor;
      do {
        const page: CustomerList = await unwrap(
          client.GET("/customers", {
            ...init,
            params: { query: { limit: 100, ...query, ...(next && { cursor: next }) } },
          }),
        );
        yield* page.data;
        next = page.pagination.nextCursor;
      } while (next !== null);
    },
  } satisfies Pick<CustomersClient, "customers">);
}

/** A create that is not told its Idempotency-Key gets one, so that it can be tried again. */
const automaticIdempotencyKey: Middleware = {
  onRequest({ request }) {
    if (request.method !== "POST" || request.headers.has("Idempotency-Key")) return;
    // Not randomUUID, which browsers have on secure pages only.
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    request.headers.set("Idempotency-Key", Array.from(bytes, (byte) => byte.toString(16)).join("-"));
  },
};

/** What a call of openapi-fetch resolves with. */
interface Result {
  data?: unknown;
  error?: unknown;
  response: Response;
}

/**
 * The body of a successful answer, of a call or of its promise.
 * @throws {CustomersApiError} where the answer is any other, a 304 too
 */
export function unwrap<R extends Result>(result: Promise<R>): Promise<NonNullable<R["data"]>>;
export function unwrap<R extends Result>(result: R): NonNullable<R["data"]>;
export function unwrap(result: Result | Promise<Result>): unknown {
  if ("then" in result) return result.then((settled) => unwrap(settled));
  if (result.response.ok) return result.data;
  throw new CustomersApiError(result);
}

/** An answer that is no success. A network failure is none of these: it is the error that `fetch` throws. */
export class CustomersApiError extends Error {
  override readonly name = "CustomersApiError";
  /** The HTTP status. */
  readonly status: number;
  /** The one field, parameter or header that a 400 is about. */
  readonly field: string | undefined;
  /** Which of the API's requests it was, for its operators. */
  readonly requestId: string | undefined;
  /** Seconds to wait before the next request, on 429 and 503. */
  readonly retryAfter: number | undefined;

  constructor({ error, response }: Result) {
    // What a proxy answers in place of the API need not be JSON.
    const body = Object(error) as { error?: unknown; field?: unknown };
    super(
      typeof body.error === "string" ? body.error : `HTTP ${response.status} ${response.statusText}`.trim(),
    );
    this.status = response.status;
    this.field = typeof body.field === "string" ? body.field : undefined;
    this.requestId = response.headers.get("X-Request-Id") ?? undefined;
    this.retryAfter = retryAfterOf(response);
  }
}

/**
 * The entity tag of the customer in an answer, for `If-Match` and `If-None-Match`. A proxy that compresses
 * may have made it weak, which `If-Match` never matches; it is given back as the API sent it.
 * @throws {TypeError} where the answer has none: an update without `If-Match` would overwrite what others wrote
 */
export function entityTagOf({ response }: { response: Response }): string {
  const tag = response.headers.get("ETag");
  if (tag === null) throw new TypeError(`The answer, a ${response.status}, has no ETag.`);
  return tag.replace(/^W\//, "");
}
