import { getEventListeners } from "node:events";
import fc from "fast-check";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { createCustomersClient, readEntityTag, unwrap } from "../../client/index.ts";
import { createPacer } from "../../client/pacing.ts";
import { createRetryingFetch } from "../../client/retries.ts";
import {
  catchApiError,
  createMany,
  expectIdenticalAttempts,
  fixBackoff,
  listEmails,
  setUpClients,
} from "../support/clients.ts";
import { lockDatabase } from "../support/databaseFaults.ts";
import { type Fault, faults } from "../support/network.ts";
import { startServer } from "../support/server.ts";

const { createObservedClient, createClientBehind } = setUpClients();

it.each(Object.keys(faults) as Fault[])("createCustomer: %s → retried, created once", async (fault) => {
  fixBackoff(0);
  const { client, network, direct } = await createClientBehind([fault], {
    timeout: faults[fault].outcome === "held" ? 2_000 : undefined,
  });
  const created = await client.POST("/customers", { body: { email: "once@x.example", name: "Löwin" } });
  expect(unwrap(created).data).toMatchObject({ email: "once@x.example", name: "Löwin" });
  const isReplay = created.response.headers.get("Idempotent-Replayed") === "true";
  expect(isReplay).toBe(faults[fault].reachesServer);
  expect(await listEmails(direct)).toEqual(["once@x.example"]);
  expect(network.attempts).toHaveLength(2);
  expectIdenticalAttempts(network);
});

it("createCustomer: own Idempotency-Key → retried with it", async () => {
  fixBackoff(0);
  const { client, network } = await createClientBehind(["dropped before its response"]);
  const header = { "Idempotency-Key": "order-77" };
  await unwrap(client.POST("/customers", { params: { header }, body: { email: "own@x.example" } }));
  expect(network.attempts.map(({ headers }) => headers["idempotency-key"])).toEqual(["order-77", "order-77"]);
});

it("createCustomer: two calls with the same email → two keys, 409", async () => {
  const { client, sent } = await createObservedClient();
  const body = { email: "twice@x.example" };
  await unwrap(client.POST("/customers", { body }));
  expect(await catchApiError(unwrap(client.POST("/customers", { body })))).toMatchObject({ status: 409 });
  const keys = sent.map(({ headers }) => headers.get("Idempotency-Key"));
  expect(new Set(keys).size).toBe(2);
});

it("createCustomer: middleware removes the key → not retried", async () => {
  const { client, network, direct } = await createClientBehind(["dropped before its response"]);
  client.use({ onRequest: ({ request }) => request.headers.delete("Idempotency-Key") as undefined });
  await expect(client.POST("/customers", { body: { email: "bare@x.example" } })).rejects.toThrow(TypeError);
  expect(network.attempts).toHaveLength(1);
  expect(await listEmails(direct)).toEqual(["bare@x.example"]);
});

it("createCustomer: first attempt arrives after the second → created once", async () => {
  fixBackoff(0);
  let late: Request | undefined;
  const { client } = await createObservedClient({
    fetch(request) {
      if (late) return fetch(request);
      late = new Request(request.clone(), { signal: null });
      return Promise.reject(new TypeError("fetch failed"));
    },
  });
  const created = await unwrap(client.POST("/customers", { body: { email: "late@x.example" } }));
  const response = await fetch(late as Request);
  expect([response.status, response.headers.get("Idempotent-Replayed")]).toEqual([201, "true"]);
  expect(await response.json()).toEqual(created);
  expect(await listEmails(client)).toEqual(["late@x.example"]);
});

it("createCustomer: database locked → retried until it is free", async () => {
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

describe("interrupted responses", () => {
  const whole = '{"data":[],"pagination":{"hasMore":false,"nextCursor":null}}';

  it.each([
    ["an empty body", null],
    ["a body without its end", whole.slice(0, -1)],
    ["one byte", whole.slice(0, 1)],
  ])("listCustomers: %s → retried", async (_title, body) => {
    fixBackoff(0);
    const responses = [new Response(body), new Response(whole)];
    const { client } = await createObservedClient({ fetch: async () => responses.shift() as Response });
    expect(await unwrap(client.GET("/customers"))).toEqual(JSON.parse(whole));
    expect(responses).toEqual([]);
  });

  it("listCustomers: always an empty body → throws SyntaxError", async () => {
    const { client } = await createObservedClient({ fetch: async () => new Response(null), maxRetries: 0 });
    await expect(client.GET("/customers")).rejects.toThrow(SyntaxError);
  });
});

describe("updateCustomer", () => {
  const ofUpdate = (Object.keys(faults) as Fault[]).filter(
    (fault) => fault !== "held before the server gets it",
  );
  it.each(ofUpdate)("updateCustomer: %s → retried, changed once", async (fault) => {
    fixBackoff(0);
    const { client, network, direct } = await createClientBehind([], {
      timeout: faults[fault].outcome === "held" ? 2_000 : undefined,
    });
    const { data } = await unwrap(direct.POST("/customers", { body: { email: "u@x.example" } }));
    network.faults.push(fault);
    const params = { path: { id: data.id } };
    const updated = await unwrap(client.PATCH("/customers/{id}", { params, body: { creditLimit: 0.1 } }));
    expect(updated.data.creditLimit).toBe(0.1);
    expect(await unwrap(direct.GET("/customers/{id}", { params }))).toEqual(updated);
    expect(network.attempts).toHaveLength(2);
    expectIdenticalAttempts(network);
    expect(network.attempts[0]?.headers).not.toHaveProperty("idempotency-key");
  });

  it("updateCustomer: If-Match, own first attempt arrived → 412", async () => {
    fixBackoff(0);
    const { client, network, direct } = await createClientBehind();
    const created = await direct.POST("/customers", { body: { email: "u@x.example" } });
    const { id } = unwrap(created).data;
    network.faults.push("dropped before its response");
    const header = { "If-Match": readEntityTag(created) };
    const update = client.PATCH("/customers/{id}", { params: { path: { id }, header }, body: { name: "N" } });
    expect(await catchApiError(unwrap(update))).toMatchObject({ status: 412 });
    expect((await unwrap(direct.GET("/customers/{id}", { params: { path: { id } } }))).data.name).toBe("N");
  });
});

describe("random faults", () => {
  const passing = (Object.keys(faults) as Fault[]).filter((fault) => faults[fault].outcome !== "held");
  const sequences = fc.array(fc.constantFrom(...passing), { maxLength: 6 });
  const maxRetries = 3;

  it("createCustomer: random faults → at most one customer, four identical attempts", async () => {
    fixBackoff(0);
    const { client, network, direct } = await createClientBehind();
    let customers = 0;
    await fc.assert(
      fc.asyncProperty(sequences, async (sequence) => {
        const email = `buyer${++customers}@faults.example`;
        network.faults = [...sequence];
        network.attempts = [];
        const outcome = await client.POST("/customers", { body: { email } }).catch((error) => error);

        const attempted = sequence.slice(0, maxRetries + 1);
        const succeeds = sequence.length <= maxRetries;
        expect(network.attempts).toHaveLength(succeeds ? sequence.length + 1 : maxRetries + 1);
        expectIdenticalAttempts(network);
        const last = succeeds ? { outcome: 201 } : faults[attempted.at(-1) as Fault];
        if (typeof last.outcome === "number") expect(outcome.response.status).toBe(last.outcome);
        else expect(outcome).toBeInstanceOf(TypeError);

        const { data: stored } = await unwrap(
          direct.GET("/customers", { params: { query: { search: email } } }),
        );
        const isCreated = succeeds || attempted.some((fault) => faults[fault].reachesServer);
        expect(stored.map((customer) => customer.email)).toEqual(isCreated ? [email] : []);
        if (succeeds) expect(outcome.data.data).toEqual(stored[0]);
      }),
      { numRuns: 40 },
    );
  });

  it("customers(): random faults → every customer once, or an error", async () => {
    fixBackoff(0);
    const { client, network, direct } = await createClientBehind();
    const emails = await createMany(direct, 5);
    await fc.assert(
      fc.asyncProperty(sequences, async (sequence) => {
        network.faults = [...sequence];
        const listed: string[] = [];
        const iterate = async () => {
          for await (const { email } of client.customers({ limit: 2 })) listed.push(email);
        };
        if (sequence.length <= maxRetries) await iterate();
        else await expect(iterate()).rejects.toThrow();
        expect(listed).toEqual(sequence.length <= maxRetries ? emails : []);
      }),
      { numRuns: 30 },
    );
  });
});

it.each([304, 400, 401, 403, 404, 405, 409, 412, 413, 415, 422, 431, 500, 501])(
  "createCustomer: %i → not retried",
  async (status) => {
    const received: Response[] = [];
    const { client } = await createObservedClient({
      async fetch() {
        const response = new Response(null, { status, headers: { "Retry-After": "0" } });
        received.push(response);
        return response;
      },
    });
    const { response } = await client.POST("/customers", { body: { email: "a@x.example" } });
    expect([response.status, received.length]).toEqual([status, 1]);
  },
);

it("listCustomers: an error of the caller's fetch → not retried", async () => {
  let calls = 0;
  const { client } = await createObservedClient({
    async fetch() {
      calls++;
      throw new RangeError("not the network");
    },
  });
  await expect(client.GET("/customers")).rejects.toThrow("not the network");
  expect(calls).toBe(1);
});

it.each([
  ["HEAD", 200],
  ["OPTIONS", 204],
])("fetch: %s without a body → retried until it succeeds", async (method, status) => {
  fixBackoff(0);
  const statuses = [503, status, 500];
  const retryingFetch = createRetryingFetch(
    async () => new Response(null, { status: statuses.shift() as number }),
    createPacer(),
  );
  const response = await retryingFetch(new Request("http://api.example/customers", { method }));
  expect([response.status, statuses]).toEqual([status, [500]]);
});

it("fetch: a retry and a success → no listener left on the signal", async () => {
  fixBackoff(0);
  const statuses = [503, 200];
  const retryingFetch = createRetryingFetch(
    async () => Response.json({}, { status: statuses.shift() as number }),
    createPacer(),
  );
  const request = new Request("http://api.example/customers");
  await retryingFetch(request);
  expect(getEventListeners(request.signal, "abort")).toEqual([]);
});

it("timeout: Infinity → no timeout", async () => {
  const { client, network } = await createClientBehind([], { timeout: Number.POSITIVE_INFINITY });
  await unwrap(client.GET("/customers"));
  expect(network.attempts).toHaveLength(1);
});

it.each(["held before its response", "held before the server gets it"] as const)(
  "abort: %s → throws its reason, not retried",
  async (fault) => {
    const { client, network } = await createClientBehind([fault]);
    const controller = new AbortController();
    const create = client.POST("/customers", {
      body: { email: "a@x.example" },
      signal: controller.signal,
    });
    await vi.waitFor(() => expect(network.attempts).toHaveLength(1));
    controller.abort(new Error("enough"));
    await expect(create).rejects.toThrow("enough");
    expect(network.attempts).toHaveLength(1);
  },
);

it("abort: before the call → throws, nothing sent", async () => {
  const { client, sent } = await createObservedClient();
  const signal = AbortSignal.abort(new Error("too late"));
  await expect(client.GET("/customers", { signal })).rejects.toThrow("too late");
  expect(sent).toEqual([]);
});

it("abort: AbortSignal.timeout → throws TimeoutError", async () => {
  const { client, network } = await createClientBehind(["held before its response"]);
  const call = client.GET("/customers", { signal: AbortSignal.timeout(50) });
  await expect(call).rejects.toMatchObject({ name: "TimeoutError" });
  expect(network.attempts.length).toBeLessThanOrEqual(1);
});
