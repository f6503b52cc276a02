/** Pacing in virtual time, against an API that counts like ours: a window starts with its first request. */
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { type CustomersClientOptions, createCustomersClient } from "../../client/index.ts";
import { fixBackoff } from "../support/clients.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date", "performance"] });
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const latency = 20;

/** An API with one key and this limit, or none, which records its requests. */
function createLimitedApi(limit: number | undefined) {
  const start = performance.now();
  const api = {
    /** Milliseconds of each request, with the status of its response. */
    requests: [] as { at: number; status: number; path: string }[],
    mostInFlight: 0,
    async fetch(request: Request): Promise<Response> {
      const sentAt = performance.now();
      if (sentAt >= windowEndsAt) [windowEndsAt, count] = [sentAt + 60_000, 0];
      count++;
      api.mostInFlight = Math.max(api.mostInFlight, ++inFlight);
      const status = limit !== undefined && count > limit ? 429 : 200;
      const remaining = String(Math.max(0, (limit ?? 0) - count));
      const reset = String(Math.ceil((windowEndsAt - sentAt) / 1000));
      api.requests.push({ at: sentAt - start, status, path: new URL(request.url).pathname });
      // With a limit, responses overtake each other.
      const factor = limit === undefined ? 1 : 1 + (api.requests.length % 4);
      await new Promise((resolve) => setTimeout(resolve, latency * factor));
      inFlight--;
      return Response.json(status === 429 ? { error: "Rate limit exceeded." } : { data: [] }, {
        status,
        headers: {
          ...(limit !== undefined && {
            "RateLimit-Limit": String(limit),
            "RateLimit-Remaining": remaining,
            "RateLimit-Reset": reset,
          }),
          ...(status === 429 && { "Retry-After": reset }),
        },
      });
    },
    client: (options: Partial<CustomersClientOptions> = {}) =>
      createCustomersClient({
        baseUrl: "http://api.example/api/v1",
        apiKey: "dk_x",
        fetch: api.fetch,
        ...options,
      }),
    statuses: () => new Set(api.requests.map(({ status }) => status)),
  };
  let windowEndsAt = Number.NEGATIVE_INFINITY;
  let count = 0;
  let inFlight = 0;
  return api;
}

type Api = ReturnType<typeof createLimitedApi>;
type Client = ReturnType<Api["client"]>;

const list = (client: Client, signal?: AbortSignal) =>
  client.GET("/customers", signal ? { signal } : {}).then(({ response }) => response.status);

const many = (count: number, client: Client, signal?: AbortSignal) =>
  Promise.all(Array.from({ length: count }, () => list(client, signal)));

/** The milliseconds that the calls took. */
async function run<T>(calls: Promise<T>): Promise<{ result: T; milliseconds: number }> {
  const start = performance.now();
  let milliseconds = 0;
  const ended = calls.finally(() => {
    milliseconds = performance.now() - start;
  });
  await vi.runAllTimersAsync();
  return { result: await ended, milliseconds };
}

it("pacing: 1,000 calls at 60 a minute → no 429, as fast as the limit allows", async () => {
  const api = createLimitedApi(60);
  const { result, milliseconds } = await run(many(1_000, api.client()));
  expect(new Set(result)).toEqual(new Set([200]));
  expect(api.requests).toHaveLength(1_000);
  expect(api.statuses()).toEqual(new Set([200]));
  // 60 at once, and 940 at one a second from the second minute on.
  expect(milliseconds).toBeGreaterThan(960_000);
  expect(milliseconds).toBeLessThan(1_005_000);
});

it("pacing: window exhausted → all wait for its end, then are evenly spaced", async () => {
  const api = createLimitedApi(600);
  await run(many(700, api.client()));
  const after = api.requests.slice(600).map(({ at }) => at);
  expect(api.requests[599]?.at).toBeLessThan(4_000);
  expect(after[0]).toBeGreaterThanOrEqual(60_000);
  const gaps = after.slice(2).map((at, index) => at - (after[index + 1] as number));
  expect(Math.min(...gaps)).toBeGreaterThanOrEqual(90);
  expect(Math.max(...gaps)).toBeLessThanOrEqual(110);
});

it("pacing: a minute without waiting → calls are no longer spaced", async () => {
  const api = createLimitedApi(100);
  const client = api.client();
  await run(many(110, client));
  await vi.advanceTimersByTimeAsync(121_000);
  const { milliseconds } = await run(many(100, client));
  expect(milliseconds).toBeLessThan(1_000);
  expect(api.statuses()).toEqual(new Set([200]));
});

it("pacing: two clients with one key → every call succeeds, few are retried", async () => {
  fixBackoff(1);
  const api = createLimitedApi(120);
  const { result, milliseconds } = await run(Promise.all([many(200, api.client()), many(200, api.client())]));
  expect(new Set(result.flat())).toEqual(new Set([200]));
  const rejected = api.requests.filter(({ status }) => status === 429).length;
  expect(rejected).toBeLessThan(60);
  expect(milliseconds).toBeLessThan(6 * 60_000);
});

it("pacing: 429 → further calls also wait for Retry-After", async () => {
  fixBackoff(0);
  const api = createLimitedApi(1);
  const [first, second] = [api.client(), api.client()];
  const calls = Promise.all([list(first), list(second)]);
  await vi.advanceTimersByTimeAsync(1_000);
  const late = list(second);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(api.requests.map(({ status }) => status)).toEqual([200, 429]);
  await vi.runAllTimersAsync();
  expect([...(await calls), await late]).toEqual([200, 200, 200]);
});

it.each([
  [undefined, 10],
  [3, 3],
  [Number.POSITIVE_INFINITY, 50],
] as const)(
  "pacing: maxConcurrency %s, 50 calls without limits → %i in flight",
  async (maxConcurrency, expected) => {
    const api = createLimitedApi(undefined);
    const { milliseconds } = await run(many(50, api.client({ maxConcurrency })));
    expect(api.mostInFlight).toBe(expected);
    expect(milliseconds).toBe(latency * Math.ceil(50 / expected));
  },
);

it.each([0, -1, Number.NaN])("pacing: maxConcurrency %d → RangeError", (maxConcurrency) => {
  expect(() => createLimitedApi(undefined).client({ maxConcurrency })).toThrow(RangeError);
});

it("pacing: signal aborted → waiting calls reject at once, nothing is sent", async () => {
  const api = createLimitedApi(20);
  const client = api.client();
  const controller = new AbortController();
  const calls = Promise.allSettled(Array.from({ length: 30 }, () => list(client, controller.signal)));
  const other = list(client);
  await vi.advanceTimersByTimeAsync(5_000);
  expect(api.requests).toHaveLength(20);
  controller.abort("enough");
  const settled = await calls;
  expect(settled.filter(({ status }) => status === "fulfilled")).toHaveLength(20);
  const reasons = settled.flatMap((call) => (call.status === "rejected" ? [call.reason] : []));
  expect(reasons).toEqual(Array(10).fill("enough"));
  await vi.runAllTimersAsync();
  expect(await other).toBe(200);
  expect(api.requests).toHaveLength(21);
});

it("pacing: last waiting call aborted → no timer left", async () => {
  const api = createLimitedApi(1);
  const client = api.client();
  await run(list(client));
  const controller = new AbortController();
  const call = list(client, controller.signal).catch((reason) => reason);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(vi.getTimerCount()).toBe(1);
  controller.abort("enough");
  expect([await call, vi.getTimerCount()]).toEqual(["enough", 0]);
});

it.each([1, 3])(
  "pacing: failed attempt, maxRetries %i → retried before waiting calls",
  async (maxRetries) => {
    fixBackoff(0);
    const api = createLimitedApi(undefined);
    let isFirst = true;
    const client = api.client({
      maxConcurrency: 1,
      maxRetries,
      fetch(request) {
        if (!isFirst) return api.fetch(request);
        isFirst = false;
        return Promise.reject(new TypeError("fetch failed"));
      },
    });
    const retried = client.GET("/customers/{id}", { params: { path: { id: "retried" } } });
    const { result } = await run(Promise.all([retried, many(3, client)]));
    expect(result[0].response.status).toBe(200);
    expect(api.requests.map(({ path }) => path.split("/").at(-1))).toEqual([
      "customers",
      "retried",
      "customers",
      "customers",
    ]);
  },
);

it("pacing: waitForRateLimit false → calls are sent, and get 429", async () => {
  const api = createLimitedApi(5);
  const { result, milliseconds } = await run(
    many(12, api.client({ waitForRateLimit: false, maxRetries: 0 })),
  );
  expect(result.filter((status) => status === 429)).toHaveLength(7);
  expect(milliseconds).toBeLessThan(1_000);
});
