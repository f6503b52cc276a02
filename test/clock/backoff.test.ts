import { afterEach, beforeEach, expect, it, vi } from "vitest";
import {
  type CustomersClient,
  type CustomersClientOptions,
  createCustomersClient,
  unwrap,
} from "../../client/index.ts";
import { catchApiError, fixBackoff } from "../support/clients.ts";

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});
beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date", "performance"] });
});

/** A client whose attempts get these responses, and the milliseconds at which it sent each. */
async function createClientInVirtualTime(
  responses: ((request: Request) => Response | Promise<Response>)[],
  options: Partial<CustomersClientOptions> = {},
): Promise<{ client: CustomersClient; times: number[] }> {
  const times: number[] = [];
  const start = Date.now();
  const client = createCustomersClient({
    baseUrl: "http://api.example/api/v1",
    apiKey: "dk_x",
    async fetch(request) {
      times.push(Date.now() - start);
      return (responses.shift() as (request: Request) => Response)(request);
    },
    ...options,
  });
  return { client, times };
}
const empty = { data: [], pagination: { hasMore: false, nextCursor: null } };
const succeed = () => Response.json(empty);
const fail = () => Promise.reject(new TypeError("fetch failed"));
const later =
  (status: number, retryAfter: string, headers = {}) =>
  () =>
    Response.json({ error: "Later." }, { status, headers: { "Retry-After": retryAfter, ...headers } });

it.each([
  [0, [0, 0, 0, 0]],
  [1, [0, 500, 1_500, 3_500]],
] as const)("backoff: random %i → waits up to 0.5, 1 and 2 seconds", async (part, expected) => {
  fixBackoff(part);
  const { client, times } = await createClientInVirtualTime([fail, fail, fail, succeed]);
  const got = client.GET("/customers");
  await vi.runAllTimersAsync();
  expect((await got).data).toEqual(empty);
  expect(times).toEqual(expected);
});

it("backoff: 40 failures → waits at most 30 seconds", async () => {
  fixBackoff(1);
  const { client, times } = await createClientInVirtualTime([...Array(40).fill(fail), succeed], {
    maxRetries: 40,
  });
  const got = client.GET("/customers");
  await vi.runAllTimersAsync();
  expect((await got).data).toEqual(empty);
  const waits = times.map((time, n) => time - (times[n - 1] ?? 0));
  expect(Math.max(...waits)).toBe(30_000);
  expect(Math.min(...waits.slice(-30))).toBe(30_000);
});

it.each([408, 429, 502, 503, 504])(
  "backoff: %i with Retry-After → waits that long, plus the backoff",
  async (status) => {
    fixBackoff(1);
    const { client, times } = await createClientInVirtualTime([
      later(status, "7"),
      later(status, "0"),
      succeed,
    ]);
    const got = client.GET("/customers");
    await vi.runAllTimersAsync();
    expect((await got).response.status).toBe(200);
    expect(times).toEqual([0, 7_500, 8_500]);
  },
);

it("backoff: Retry-After as a date → relative to the server's clock", async () => {
  fixBackoff(0);
  const retryAfter = "Wed, 21 Oct 2015 07:28:09 GMT";
  const byServer = later(503, retryAfter, { Date: "Wed, 21 Oct 2015 07:28:00 GMT" });
  const byOwnClock = later(503, new Date(Math.ceil(Date.now() / 1000) * 1000 + 14_000).toUTCString());
  const { client, times } = await createClientInVirtualTime([
    byServer,
    byOwnClock,
    later(503, retryAfter),
    succeed,
  ]);
  vi.setSystemTime(Math.ceil(Date.now() / 1000) * 1000);
  const got = client.GET("/customers");
  await vi.runAllTimersAsync();
  expect((await got).response.status).toBe(200);
  const [first = 0, ...others] = times;
  expect(others.map((time) => time - first)).toEqual([9_000, 14_000, 14_000]);
});

it.each(["soon", "-5", "1.5", "7 s", ""])("backoff: Retry-After %j → ignored", async (retryAfter) => {
  fixBackoff(1);
  const { client, times } = await createClientInVirtualTime([later(429, retryAfter), succeed]);
  const got = client.GET("/customers");
  await vi.runAllTimersAsync();
  expect((await got).response.status).toBe(200);
  expect(times).toEqual([0, 500]);
});

it("backoff: Retry-After over a minute → the response is returned", async () => {
  fixBackoff(0);
  const { client, times } = await createClientInVirtualTime([later(429, "60"), later(429, "61")]);
  const got = unwrap(client.GET("/customers"));
  const error = catchApiError(got);
  await vi.runAllTimersAsync();
  expect(await error).toMatchObject({ status: 429, message: "Later.", retryAfter: 61 });
  expect(times).toEqual([0, 60_000]);
});

it.each([
  [{}, 4],
  [{ maxRetries: 1 }, 2],
  [{ maxRetries: 0 }, 1],
])("retries: %j → limited, then the last response is returned", async (options, tries) => {
  const { client, times } = await createClientInVirtualTime(Array(9).fill(later(503, "1")), options);
  const got = client.GET("/customers");
  await vi.runAllTimersAsync();
  expect([(await got).response.status, times.length]).toEqual([503, tries]);
});

it.each([
  [{}, [0, 15_000, 30_000, 45_000], 15_000],
  [{ timeout: 200, maxRetries: 1 }, [0, 200], 200],
])("timeout: %j → retried, then throws TimeoutError", async (options, expected, timeout) => {
  fixBackoff(0);
  const hold = ({ signal }: Request) =>
    new Promise<Response>((_, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason));
    });
  const { client, times } = await createClientInVirtualTime(Array(9).fill(hold), options);
  const got = client.GET("/customers").catch((error) => error);
  await vi.runAllTimersAsync();
  expect(await got).toMatchObject({ name: "TimeoutError", message: `No response within ${timeout} ms.` });
  expect(times).toEqual(expected);
});

it("abort: during the backoff → throws at once, no further request", async () => {
  const { client, times } = await createClientInVirtualTime([later(429, "60"), succeed]);
  const controller = new AbortController();
  const got = client.GET("/customers", { signal: controller.signal }).catch((error) => error);
  await vi.advanceTimersByTimeAsync(1_000);
  expect([times.length, vi.getTimerCount()]).toEqual([1, 1]);
  controller.abort("enough");
  expect(await got).toBe("enough");
  expect([times.length, vi.getTimerCount()]).toEqual([1, 0]);
});
