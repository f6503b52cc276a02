import fc from "fast-check";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import {
  type CustomersApiError,
  type CustomersClient,
  type CustomersClientOptions,
  createCustomersClient,
  entityTagOf,
  unwrap,
} from "../../client/index.ts";
import { createCheckedFetch } from "../../server/contractCheck.ts";
import { lockDatabase } from "../support/databaseFaults.ts";
import { type Fault, faults, type Network, openNetwork } from "../support/network.ts";
import { startServer, type TestServer } from "../support/server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

let companies = 0;
const newKey = () => server.createKey({ company: `client-${++companies}` });

/** A client of a new company whose every try is observed: the requests as they were sent. */
async function observedClient(
  options: Partial<CustomersClientOptions> = {},
): Promise<{ client: CustomersClient; sent: Request[] }> {
  const sent: Request[] = [];
  const checkedFetch = createCheckedFetch();
  const client = createCustomersClient({
    baseUrl: `${server.url}/api/v1`,
    apiKey: await newKey(),
    fetch(request) {
      sent.push(request.clone());
      return checkedFetch(request);
    },
    ...options,
  });
  return { client, sent };
}

/** A client of a new company behind a network with faults, and one without to see what came of it. */
async function clientBehind(
  faultsToCome: Fault[] = [],
  options: Partial<CustomersClientOptions> = {},
): Promise<{ client: CustomersClient; network: Network; direct: CustomersClient }> {
  const network = await openNetwork(server.url);
  network.faults.push(...faultsToCome);
  const apiKey = await newKey();
  const client = createCustomersClient({ baseUrl: `${network.url}/api/v1`, apiKey, ...options });
  return { client, network, direct: await server.client(apiKey) };
}

async function emailsOf(client: CustomersClient): Promise<string[]> {
  const emails: string[] = [];
  for await (const { email } of client.customers()) emails.push(email);
  return emails;
}

async function createMany(client: CustomersClient, count: number): Promise<string[]> {
  const emails = Array.from({ length: count }, (_, n) => `buyer${n}@walk.example`);
  for (const email of emails) await unwrap(client.POST("/customers", { body: { email } }));
  return emails.reverse();
}

/** What is thrown, as an error of the API. */
async function errorOf(promise: Promise<unknown>): Promise<CustomersApiError> {
  const error = await promise.then(
    () => undefined,
    (thrown) => thrown,
  );
  expect(error).toMatchObject({ name: "CustomersApiError" });
  return error;
}

/** A backoff is random: this makes it as short, or as long, as it can be. */
const withBackoffOf = (part: 0 | 1) => vi.spyOn(Math, "random").mockReturnValue(part);

describe("customers()", () => {
  it("walks all pages, newest first, each customer once", async () => {
    const { client, sent } = await observedClient();
    const emails = await createMany(client, 7);
    sent.length = 0;
    const walked: string[] = [];
    for await (const customer of client.customers({ limit: 3 })) walked.push(customer.email);
    expect(walked).toEqual(emails);
    expect(sent.map(({ url }) => new URL(url).searchParams.get("limit"))).toEqual(["3", "3", "3"]);
  });

  it("asks for the largest pages, and for the next one only when it is needed", async () => {
    const { client, sent } = await observedClient();
    await createMany(client, 4);
    sent.length = 0;
    for await (const _ of client.customers()) break;
    expect(sent.map(({ url }) => new URL(url).search)).toEqual(["?limit=100"]);
    let walked = 0;
    for await (const _ of client.customers({ limit: 2 })) if (++walked === 2) break;
    expect(sent).toHaveLength(2);
  });

  it("filters by status and by search on every page", async () => {
    const { client } = await observedClient();
    const [, second, third] = await createMany(client, 4);
    for await (const { id, email } of client.customers()) {
      const notThis = email !== second && email !== third;
      if (notThis)
        await unwrap(
          client.PATCH("/customers/{id}", { params: { path: { id } }, body: { status: "BLOCKED" } }),
        );
    }
    const walked: string[] = [];
    const query = { status: "ACTIVE", search: "WALK", limit: 1 } as const;
    for await (const { email } of client.customers(query)) walked.push(email);
    expect(walked).toEqual([second, third]);
    for await (const _ of client.customers({ search: "nobody" })) expect.unreachable();
  });

  it("begins after a cursor", async () => {
    const { client } = await observedClient();
    const emails = await createMany(client, 3);
    const page = await unwrap(client.GET("/customers", { params: { query: { limit: 1 } } }));
    const cursor = page.pagination.nextCursor as string;
    const walked: string[] = [];
    for await (const { email } of client.customers({ cursor })) walked.push(email);
    expect(walked).toEqual(emails.slice(1));
  });

  it("throws where a page is refused", async () => {
    const { client } = await observedClient();
    const error = await errorOf(client.customers({ cursor: "nonsense" }).next());
    expect(error).toMatchObject({ status: 400, message: "Invalid cursor.", field: "cursor" });
  });

  it("ends with the reason of the signal that it was given", async () => {
    const { client, sent } = await observedClient();
    await createMany(client, 2);
    sent.length = 0;
    const controller = new AbortController();
    const walk = client.customers({ limit: 1 }, { signal: controller.signal });
    await walk.next();
    controller.abort(new Error("enough"));
    await expect(walk.next()).rejects.toThrow("enough");
    expect(sent).toHaveLength(1);
  });
});

describe("unwrap", () => {
  it("gives the body of a result, and of a promise of one", async () => {
    const { client } = await observedClient();
    const created = await unwrap(client.POST("/customers", { body: { email: "a@x.example" } }));
    const result = await client.GET("/customers/{id}", { params: { path: { id: created.data.id } } });
    expect(unwrap(result)).toEqual(created);
  });

  it("throws what a 400 says, with its field and the id of the request", async () => {
    const { client } = await observedClient();
    const headers = { "X-Request-Id": "order-77" };
    const error = await errorOf(unwrap(client.POST("/customers", { body: { email: "no" }, headers })));
    expect(error).toMatchObject({ status: 400, message: "Invalid email address.", field: "email" });
    expect(error).toMatchObject({ requestId: "order-77", retryAfter: undefined });
    expect(error).toBeInstanceOf(Error);
  });

  it("throws a 304 too, as it has no customer", async () => {
    const { client } = await observedClient();
    const created = await client.POST("/customers", { body: { email: "same@x.example" } });
    const { id } = unwrap(created).data;
    const header = { "If-None-Match": entityTagOf(created) };
    const got = client.GET("/customers/{id}", { params: { path: { id }, header } });
    expect(await errorOf(unwrap(got))).toMatchObject({ status: 304, message: "HTTP 304 Not Modified" });
  });

  it("throws the seconds to wait where the rate limit is used up", async () => {
    const limited = await startServer({ requestsPerMinute: 1 });
    onTestFinished(() => limited.stop());
    const client = await limited.client();
    await unwrap(client.GET("/customers"));
    const error = await errorOf(unwrap(client.GET("/customers")));
    expect(error).toMatchObject({ status: 429, message: "Rate limit exceeded.", field: undefined });
    expect(error.retryAfter).toBeGreaterThan(0);
    expect(error.retryAfter).toBeLessThanOrEqual(60);
  });

  it("throws the status of an answer that is not the API's", async () => {
    const { client } = await clientBehind(["answered 502 after the server got it"], { maxRetries: 0 });
    const error = await errorOf(unwrap(client.GET("/customers")));
    expect(error).toMatchObject({ status: 502, message: "HTTP 502 Bad Gateway", retryAfter: 0 });
    expect(error).toMatchObject({ requestId: undefined, field: undefined });
  });
});

describe("entityTagOf", () => {
  it("gives what If-Match takes: the update of who has read last succeeds, the other's is a 412", async () => {
    const { client, sent } = await observedClient();
    const created = await client.POST("/customers", { body: { email: "tag@x.example" } });
    const path = { id: unwrap(created).data.id };
    const update = (header: { "If-Match": string }, name: string) =>
      client.PATCH("/customers/{id}", { params: { path, header }, body: { name } });
    const header = { "If-Match": entityTagOf(created) };
    const updated = await update(header, "First");
    expect(unwrap(updated).data.name).toBe("First");
    expect(await errorOf(unwrap(update(header, "Late")))).toMatchObject({ status: 412 });
    expect(unwrap(await update({ "If-Match": entityTagOf(updated) }, "Next")).data.name).toBe("Next");
    expect(sent.map(({ method }) => method)).toEqual(["POST", "PATCH", "PATCH", "PATCH"]);
  });

  it("gives the strong tag that the API sent where a proxy made it weak", () => {
    expect(entityTagOf({ response: new Response(null, { headers: { ETag: 'W/"a"' } }) })).toBe('"a"');
  });

  it("throws where the answer has none", async () => {
    const { client } = await observedClient();
    const missing = await client.GET("/customers/{id}", { params: { path: { id: "nobody" } } });
    expect(() => entityTagOf(missing)).toThrow("The answer, a 404, has no ETag.");
  });
});

describe("what openapi-fetch can do", () => {
  it("can be done: options of the client and of a call, request(), middleware put in and taken out", async () => {
    const { client, sent } = await observedClient({ headers: new Headers({ "X-Request-Id": "of-client" }) });
    const seen: string[] = [];
    const middleware = {
      onRequest: ({ schemaPath }: { schemaPath: string }) => void seen.push(schemaPath),
      onResponse: ({ response }: { response: Response }) => void seen.push(String(response.status)),
    };
    client.use(middleware);
    const first = await client.request("get", "/customers", { params: { query: { limit: 1 } } });
    client.eject(middleware);
    const second = await client.GET("/customers", {
      headers: { "X-Request-Id": "of-call" },
      parseAs: "text",
    });
    expect(seen).toEqual(["/customers", "200"]);
    expect(first.response.headers.get("X-Request-Id")).toBe("of-client");
    expect(second.response.headers.get("X-Request-Id")).toBe("of-call");
    expect(second.data).toBe('{"data":[],"pagination":{"hasMore":false,"nextCursor":null}}');
    expect(sent.every(({ headers }) => headers.get("Authorization")?.startsWith("Bearer dk_"))).toBe(true);
  });

  it("shows middleware one request and one answer, however many tries they took", async () => {
    withBackoffOf(0);
    const { client } = await clientBehind([
      "dropped before its answer",
      "answered 503 before the server gets it",
    ]);
    const seen: unknown[] = [];
    client.use({
      onRequest: ({ request }) => void seen.push(request.headers.has("Idempotency-Key")),
      onResponse: ({ response }) => void seen.push(response.status),
      onError: ({ error }) => void seen.push(error),
    });
    await unwrap(client.POST("/customers", { body: { email: "m@x.example" } }));
    expect(seen).toEqual([true, 201]);
  });

  it("hands on to fetch what a call says that Request does not know", async () => {
    const seen: unknown[] = [];
    const { client } = await observedClient({
      fetch(request) {
        seen.push((request as Request & { next?: unknown }).next);
        return fetch(request);
      },
    });
    await unwrap(client.GET("/customers", { next: { revalidate: 60 } }));
    expect(seen).toEqual([{ revalidate: 60 }]);
  });

  it("lets the fetch of a call take the place of the retries, and a create still has its key", async () => {
    const { client } = await observedClient();
    const sent: Request[] = [];
    const failing = (request: Request) => {
      sent.push(request);
      return Promise.reject(new TypeError("fetch failed"));
    };
    const create = client.POST("/customers", { body: { email: "own@x.example" }, fetch: failing });
    await expect(create).rejects.toThrow("fetch failed");
    expect(sent.map(({ headers }) => headers.has("Idempotency-Key"))).toEqual([true]);
  });
});

describe("a create", () => {
  it.each(Object.keys(faults) as Fault[])("that is %s is made once, by the second try", async (fault) => {
    withBackoffOf(0);
    const { client, network, direct } = await clientBehind([fault], {
      timeout: faults[fault].answer === "held" ? 2_000 : undefined,
    });
    const created = await client.POST("/customers", { body: { email: "once@x.example", name: "Löwin" } });
    expect(unwrap(created).data).toMatchObject({ email: "once@x.example", name: "Löwin" });
    const isReplay = created.response.headers.get("Idempotent-Replayed") === "true";
    expect(isReplay).toBe(faults[fault].reachesServer);
    expect(await emailsOf(direct)).toEqual(["once@x.example"]);
    expect(network.tries).toHaveLength(2);
    expectTheSame(network);
  });

  it("under the caller's own Idempotency-Key is tried again with that key", async () => {
    withBackoffOf(0);
    const { client, network } = await clientBehind(["dropped before its answer"]);
    const header = { "Idempotency-Key": "order-77" };
    await unwrap(client.POST("/customers", { params: { header }, body: { email: "own@x.example" } }));
    expect(network.tries.map(({ headers }) => headers["idempotency-key"])).toEqual(["order-77", "order-77"]);
  });

  it("gets a key of its own in each call, so that a taken email is a 409 and no replay", async () => {
    const { client, sent } = await observedClient();
    const body = { email: "twice@x.example" };
    await unwrap(client.POST("/customers", { body }));
    expect(await errorOf(unwrap(client.POST("/customers", { body })))).toMatchObject({ status: 409 });
    const keys = sent.map(({ headers }) => headers.get("Idempotency-Key"));
    expect(new Set(keys).size).toBe(2);
  });

  it("is sent once where a middleware takes its key away", async () => {
    const { client, network, direct } = await clientBehind(["dropped before its answer"]);
    client.use({ onRequest: ({ request }) => request.headers.delete("Idempotency-Key") as undefined });
    await expect(client.POST("/customers", { body: { email: "bare@x.example" } })).rejects.toThrow(TypeError);
    expect(network.tries).toHaveLength(1);
    expect(await emailsOf(direct)).toEqual(["bare@x.example"]);
  });

  it("whose first try reaches the server after the second was answered is made once", async () => {
    withBackoffOf(0);
    let late: Request | undefined;
    const { client } = await observedClient({
      fetch(request) {
        if (late) return fetch(request);
        late = new Request(request.clone(), { signal: null });
        return Promise.reject(new TypeError("fetch failed"));
      },
    });
    const created = await unwrap(client.POST("/customers", { body: { email: "late@x.example" } }));
    const answer = await fetch(late as Request);
    expect([answer.status, answer.headers.get("Idempotent-Replayed")]).toEqual([201, "true"]);
    expect(await answer.json()).toEqual(created);
    expect(await emailsOf(client)).toEqual(["late@x.example"]);
  });

  it("that finds the database locked is made once it is free", async () => {
    const own = await startServer();
    onTestFinished(() => own.stop());
    const apiKey = await own.createKey();
    const statuses: number[] = [];
    const unlock = await lockDatabase(own);
    const client = createCustomersClient({
      baseUrl: `${own.url}/api/v1`,
      apiKey,
      async fetch(request) {
        const response = await fetch(request);
        statuses.push(response.status);
        if (statuses.length === 1) await unlock();
        return response;
      },
    });
    await unwrap(client.POST("/customers", { body: { email: "locked@x.example" } }));
    expect(statuses).toEqual([503, 201]);
  });
});

describe("an answer that broke off unnoticed", () => {
  const whole = '{"data":[],"pagination":{"hasMore":false,"nextCursor":null}}';

  it.each([["no body"], [whole.slice(0, -1)], [whole.slice(0, 1)]])(
    "is asked for again: %s",
    async (body) => {
      withBackoffOf(0);
      const answers = [new Response(body === "no body" ? null : body), new Response(whole)];
      const { client } = await observedClient({ fetch: async () => answers.shift() as Response });
      expect(await unwrap(client.GET("/customers"))).toEqual(JSON.parse(whole));
      expect(answers).toEqual([]);
    },
  );

  it("is an error, and no success, where it never comes whole", async () => {
    const { client } = await observedClient({ fetch: async () => new Response(null), maxRetries: 0 });
    await expect(client.GET("/customers")).rejects.toThrow(SyntaxError);
  });
});

describe("an update", () => {
  const ofUpdate = (Object.keys(faults) as Fault[]).filter(
    (fault) => fault !== "held before the server gets it",
  );
  it.each(ofUpdate)("that is %s is made, and changes nothing twice", async (fault) => {
    withBackoffOf(0);
    const { client, network, direct } = await clientBehind([], {
      timeout: faults[fault].answer === "held" ? 2_000 : undefined,
    });
    const { data } = await unwrap(direct.POST("/customers", { body: { email: "u@x.example" } }));
    network.faults.push(fault);
    const params = { path: { id: data.id } };
    const updated = await unwrap(client.PATCH("/customers/{id}", { params, body: { creditLimit: 0.1 } }));
    expect(updated.data.creditLimit).toBe(0.1);
    expect(await unwrap(direct.GET("/customers/{id}", { params }))).toEqual(updated);
    expect(network.tries).toHaveLength(2);
    expectTheSame(network);
    expect(network.tries[0]?.headers).not.toHaveProperty("idempotency-key");
  });

  it("under an If-Match is a 412 where its own first try has changed the customer", async () => {
    withBackoffOf(0);
    const { client, network, direct } = await clientBehind();
    const created = await direct.POST("/customers", { body: { email: "u@x.example" } });
    const { id } = unwrap(created).data;
    network.faults.push("dropped before its answer");
    const header = { "If-Match": entityTagOf(created) };
    const update = client.PATCH("/customers/{id}", { params: { path: { id }, header }, body: { name: "N" } });
    expect(await errorOf(unwrap(update))).toMatchObject({ status: 412 });
    expect((await unwrap(direct.GET("/customers/{id}", { params: { path: { id } } }))).data.name).toBe("N");
  });
});

describe("any sequence of faults", () => {
  const passing = (Object.keys(faults) as Fault[]).filter((fault) => faults[fault].answer !== "held");
  const sequences = fc.array(fc.constantFrom(...passing), { maxLength: 6 });
  const maxRetries = 3;

  it("leaves one customer of a create, or none where no try came through; four tries at most, all alike", async () => {
    withBackoffOf(0);
    const { client, network, direct } = await clientBehind();
    let customers = 0;
    await fc.assert(
      fc.asyncProperty(sequences, async (sequence) => {
        const email = `buyer${++customers}@faults.example`;
        network.faults = [...sequence];
        network.tries = [];
        const outcome = await client.POST("/customers", { body: { email } }).catch((error) => error);

        const tried = sequence.slice(0, maxRetries + 1);
        const succeeds = sequence.length <= maxRetries;
        expect(network.tries).toHaveLength(succeeds ? sequence.length + 1 : maxRetries + 1);
        expectTheSame(network);
        const last = succeeds ? { answer: 201 } : faults[tried.at(-1) as Fault];
        if (typeof last.answer === "number") expect(outcome.response.status).toBe(last.answer);
        else expect(outcome).toBeInstanceOf(TypeError);

        const { data: stored } = await unwrap(
          direct.GET("/customers", { params: { query: { search: email } } }),
        );
        const isMade = succeeds || tried.some((fault) => faults[fault].reachesServer);
        expect(stored.map((customer) => customer.email)).toEqual(isMade ? [email] : []);
        if (succeeds) expect(outcome.data.data).toEqual(stored[0]);
      }),
      { numRuns: 40 },
    );
  });

  it("lets a walk see every customer once, or end with an error", async () => {
    withBackoffOf(0);
    const { client, network, direct } = await clientBehind();
    const emails = await createMany(direct, 5);
    await fc.assert(
      fc.asyncProperty(sequences, async (sequence) => {
        network.faults = [...sequence];
        const walked: string[] = [];
        const walk = async () => {
          for await (const { email } of client.customers({ limit: 2 })) walked.push(email);
        };
        if (sequence.length <= maxRetries) await walk();
        else await expect(walk()).rejects.toThrow();
        expect(walked).toEqual(sequence.length <= maxRetries ? emails : []);
      }),
      { numRuns: 30 },
    );
  });
});

/** Every try is the same request, byte for byte. */
function expectTheSame({ tries }: Network): void {
  for (const sent of tries) expect(sent).toEqual(tries[0]);
}

describe("an answer of no use is not asked for again:", () => {
  it.each([304, 400, 401, 403, 404, 405, 408, 409, 412, 413, 415, 422, 431, 500, 501])(
    "%i",
    async (status) => {
      const answered: Response[] = [];
      const { client } = await observedClient({
        async fetch() {
          const response = new Response(null, { status, headers: { "Retry-After": "0" } });
          answered.push(response);
          return response;
        },
      });
      const { response } = await client.POST("/customers", { body: { email: "a@x.example" } });
      expect([response.status, answered.length]).toEqual([status, 1]);
    },
  );

  it("an error of the caller's own fetch", async () => {
    let calls = 0;
    const { client } = await observedClient({
      async fetch() {
        calls++;
        throw new RangeError("not the network");
      },
    });
    await expect(client.GET("/customers")).rejects.toThrow("not the network");
    expect(calls).toBe(1);
  });
});

describe("before it tries again", () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
  });

  /** A client whose tries are answered so, in virtual time, and the milliseconds at which each was sent. */
  async function clientAnswered(
    answers: ((request: Request) => Response | Promise<Response>)[],
    options: Partial<CustomersClientOptions> = {},
  ): Promise<{ client: CustomersClient; times: number[] }> {
    const times: number[] = [];
    const start = Date.now();
    const client = createCustomersClient({
      baseUrl: "http://api.example/api/v1",
      apiKey: "dk_x",
      async fetch(request) {
        times.push(Date.now() - start);
        return (answers.shift() as (request: Request) => Response)(request);
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
  ] as const)("it waits a random part of 0.5, 1 and 2 seconds: %i of them", async (part, expected) => {
    withBackoffOf(part);
    const { client, times } = await clientAnswered([fail, fail, fail, succeed]);
    const got = client.GET("/customers");
    await vi.runAllTimersAsync();
    expect((await got).data).toEqual(empty);
    expect(times).toEqual(expected);
  });

  it("it waits 30 seconds at most, however often it has failed", async () => {
    withBackoffOf(1);
    const { client, times } = await clientAnswered([...Array(40).fill(fail), succeed], { maxRetries: 40 });
    const got = client.GET("/customers");
    await vi.runAllTimersAsync();
    expect((await got).data).toEqual(empty);
    const waits = times.map((time, n) => time - (times[n - 1] ?? 0));
    expect(Math.max(...waits)).toBe(30_000);
    expect(Math.min(...waits.slice(-30))).toBe(30_000);
  });

  it.each([429, 503])("it waits as long as Retry-After says, and the backoff on top: %i", async (status) => {
    withBackoffOf(1);
    const { client, times } = await clientAnswered([later(status, "7"), later(status, "0"), succeed]);
    const got = client.GET("/customers");
    await vi.runAllTimersAsync();
    expect((await got).response.status).toBe(200);
    expect(times).toEqual([0, 7_500, 8_500]);
  });

  it("it waits until the date of Retry-After, by the clock of the server", async () => {
    withBackoffOf(0);
    const retryAfter = "Wed, 21 Oct 2015 07:28:09 GMT";
    const byServer = later(503, retryAfter, { Date: "Wed, 21 Oct 2015 07:28:00 GMT" });
    const byOwnClock = later(503, new Date(Math.ceil(Date.now() / 1000) * 1000 + 14_000).toUTCString());
    const { client, times } = await clientAnswered([byServer, byOwnClock, later(503, retryAfter), succeed]);
    vi.setSystemTime(Math.ceil(Date.now() / 1000) * 1000);
    const got = client.GET("/customers");
    await vi.runAllTimersAsync();
    expect((await got).response.status).toBe(200);
    const [first = 0, ...others] = times;
    expect(others.map((time) => time - first)).toEqual([9_000, 14_000, 14_000]);
  });

  it.each(["soon", "-5", "1.5", ""])("it takes no wait from a Retry-After that is %j", async (retryAfter) => {
    withBackoffOf(1);
    const { client, times } = await clientAnswered([later(429, retryAfter), succeed]);
    const got = client.GET("/customers");
    await vi.runAllTimersAsync();
    expect((await got).response.status).toBe(200);
    expect(times).toEqual([0, 500]);
  });

  it("it waits a minute, and gives back an answer that asks for more", async () => {
    withBackoffOf(0);
    const { client, times } = await clientAnswered([later(429, "60"), later(429, "61")]);
    const got = unwrap(client.GET("/customers"));
    const error = errorOf(got);
    await vi.runAllTimersAsync();
    expect(await error).toMatchObject({ status: 429, message: "Later.", retryAfter: 61 });
    expect(times).toEqual([0, 60_000]);
  });

  it.each([
    [{}, 4],
    [{ maxRetries: 1 }, 2],
    [{ maxRetries: 0 }, 1],
  ])("it has a limit, and then the last answer is given: %j", async (options, tries) => {
    const { client, times } = await clientAnswered(Array(9).fill(later(503, "1")), options);
    const got = client.GET("/customers");
    await vi.runAllTimersAsync();
    expect([(await got).response.status, times.length]).toEqual([503, tries]);
  });

  it.each([
    [{}, [0, 15_000, 30_000, 45_000], 15_000],
    [{ timeout: 200, maxRetries: 1 }, [0, 200], 200],
  ])(
    "it gives a try up that takes too long, and the last one's TimeoutError is thrown: %j",
    async (options, expected, timeout) => {
      withBackoffOf(0);
      const hold = ({ signal }: Request) =>
        new Promise<Response>((_, reject) => {
          signal.addEventListener("abort", () => reject(signal.reason));
        });
      const { client, times } = await clientAnswered(Array(9).fill(hold), options);
      const got = client.GET("/customers").catch((error) => error);
      await vi.runAllTimersAsync();
      expect(await got).toMatchObject({ name: "TimeoutError", message: `No answer within ${timeout} ms.` });
      expect(times).toEqual(expected);
    },
  );

  it("an abort ends the wait at once, and nothing more is sent", async () => {
    const { client, times } = await clientAnswered([later(429, "60"), succeed]);
    const controller = new AbortController();
    const got = client.GET("/customers", { signal: controller.signal }).catch((error) => error);
    await vi.advanceTimersByTimeAsync(1_000);
    expect([times.length, vi.getTimerCount()]).toEqual([1, 1]);
    controller.abort("enough");
    expect(await got).toBe("enough");
    expect([times.length, vi.getTimerCount()]).toEqual([1, 0]);
  });
});

describe("a try", () => {
  it("has no timeout where it is Infinity", async () => {
    const { client, network } = await clientBehind([], { timeout: Number.POSITIVE_INFINITY });
    await unwrap(client.GET("/customers"));
    expect(network.tries).toHaveLength(1);
  });

  it.each(["held before its answer", "held before the server gets it"] as const)(
    "that is %s ends with the abort of its caller, and is not sent again",
    async (fault) => {
      const { client, network } = await clientBehind([fault]);
      const controller = new AbortController();
      const create = client.POST("/customers", {
        body: { email: "a@x.example" },
        signal: controller.signal,
      });
      await vi.waitFor(() => expect(network.tries).toHaveLength(1));
      controller.abort(new Error("enough"));
      await expect(create).rejects.toThrow("enough");
      expect(network.tries).toHaveLength(1);
    },
  );

  it("is not sent where the signal was aborted before", async () => {
    const { client, sent } = await observedClient();
    const signal = AbortSignal.abort(new Error("too late"));
    await expect(client.GET("/customers", { signal })).rejects.toThrow("too late");
    expect(sent).toEqual([]);
  });

  it("is given up with the call where the signal of the call is a timeout", async () => {
    const { client, network } = await clientBehind(["held before its answer"]);
    const call = client.GET("/customers", { signal: AbortSignal.timeout(50) });
    await expect(call).rejects.toMatchObject({ name: "TimeoutError" });
    expect(network.tries.length).toBeLessThanOrEqual(1);
  });
});
