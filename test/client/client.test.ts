import { expect, it, onTestFinished } from "vitest";
import { readEntityTag, unwrap } from "../../client/index.ts";
import { catchApiError, createMany, fixBackoff, setUpClients } from "../support/clients.ts";
import { startServer } from "../support/server.ts";

const { createObservedClient, createClientBehind } = setUpClients();

it("customers(): several pages → every customer once, newest first", async () => {
  const { client, sent } = await createObservedClient();
  const emails = await createMany(client, 7);
  sent.length = 0;
  const listed: string[] = [];
  for await (const customer of client.customers({ limit: 3 })) listed.push(customer.email);
  expect(listed).toEqual(emails);
  expect(sent.map(({ url }) => new URL(url).searchParams.get("limit"))).toEqual(["3", "3", "3"]);
});

it("customers(): no limit → pages of 100, each requested when needed", async () => {
  const { client, sent } = await createObservedClient();
  await createMany(client, 4);
  sent.length = 0;
  for await (const _ of client.customers()) break;
  expect(sent.map(({ url }) => new URL(url).search)).toEqual(["?limit=100"]);
  let listed = 0;
  for await (const _ of client.customers({ limit: 2 })) if (++listed === 2) break;
  expect(sent).toHaveLength(2);
});

it("customers(): status and search → applied to every page", async () => {
  const { client } = await createObservedClient();
  const [, second, third] = await createMany(client, 4);
  for await (const { id, email } of client.customers()) {
    const notThis = email !== second && email !== third;
    if (notThis)
      await unwrap(
        client.PATCH("/customers/{id}", { params: { path: { id } }, body: { status: "BLOCKED" } }),
      );
  }
  const listed: string[] = [];
  const query = { status: "ACTIVE", search: "ITERATE", limit: 1 } as const;
  for await (const { email } of client.customers(query)) listed.push(email);
  expect(listed).toEqual([second, third]);
  for await (const _ of client.customers({ search: "nobody" })) expect.unreachable();
});

it("customers(): cursor → starts after it", async () => {
  const { client } = await createObservedClient();
  const emails = await createMany(client, 3);
  const page = await unwrap(client.GET("/customers", { params: { query: { limit: 1 } } }));
  const cursor = page.pagination.nextCursor as string;
  const listed: string[] = [];
  for await (const { email } of client.customers({ cursor })) listed.push(email);
  expect(listed).toEqual(emails.slice(1));
});

it("customers(): a page gets 400 → throws its error", async () => {
  const { client } = await createObservedClient();
  const error = await catchApiError(client.customers({ cursor: "nonsense" }).next());
  expect(error).toMatchObject({ status: 400, message: "Invalid cursor.", field: "cursor" });
});

it("customers(): signal aborted → throws its reason, no further request", async () => {
  const { client, sent } = await createObservedClient();
  await createMany(client, 2);
  sent.length = 0;
  const controller = new AbortController();
  const iteration = client.customers({ limit: 1 }, { signal: controller.signal });
  await iteration.next();
  controller.abort(new Error("enough"));
  await expect(iteration.next()).rejects.toThrow("enough");
  expect(sent).toHaveLength(1);
});

it("unwrap: result, or promise of one → its body", async () => {
  const { client } = await createObservedClient();
  const created = await unwrap(client.POST("/customers", { body: { email: "a@x.example" } }));
  const result = await client.GET("/customers/{id}", { params: { path: { id: created.data.id } } });
  expect(unwrap(result)).toEqual(created);
});

it("unwrap: 400 → throws error message, field and request ID", async () => {
  const { client } = await createObservedClient();
  const headers = { "X-Request-Id": "order-77" };
  const error = await catchApiError(unwrap(client.POST("/customers", { body: { email: "no" }, headers })));
  expect(error).toMatchObject({ status: 400, message: "Invalid email address.", field: "email" });
  expect(error).toMatchObject({ requestId: "order-77", retryAfter: undefined });
  expect(error).toBeInstanceOf(Error);
});

it("unwrap: 304 → throws", async () => {
  const { client } = await createObservedClient();
  const created = await client.POST("/customers", { body: { email: "same@x.example" } });
  const { id } = unwrap(created).data;
  const header = { "If-None-Match": readEntityTag(created) };
  const got = client.GET("/customers/{id}", { params: { path: { id }, header } });
  expect(await catchApiError(unwrap(got))).toMatchObject({ status: 304, message: "HTTP 304 Not Modified" });
});

it("unwrap: 429 → throws with the seconds to wait", async () => {
  const limited = await startServer({ requestsPerMinute: 1 });
  onTestFinished(() => limited.stop());
  const client = await limited.client();
  await unwrap(client.GET("/customers"));
  const error = await catchApiError(unwrap(client.GET("/customers")));
  expect(error).toMatchObject({ status: 429, message: "Rate limit exceeded.", field: undefined });
  expect(error.retryAfter).toBeGreaterThan(0);
  expect(error.retryAfter).toBeLessThanOrEqual(60);
});

it("unwrap: 502 from a proxy → throws with the status", async () => {
  const { client } = await createClientBehind(["502 after the server got it"], { maxRetries: 0 });
  const error = await catchApiError(unwrap(client.GET("/customers")));
  expect(error).toMatchObject({ status: 502, message: "HTTP 502 Bad Gateway", retryAfter: 0 });
  expect(error).toMatchObject({ requestId: undefined, field: undefined });
});

it("readEntityTag: tag as If-Match → first update succeeds, second gets 412", async () => {
  const { client, sent } = await createObservedClient();
  const created = await client.POST("/customers", { body: { email: "tag@x.example" } });
  const path = { id: unwrap(created).data.id };
  const update = (header: { "If-Match": string }, name: string) =>
    client.PATCH("/customers/{id}", { params: { path, header }, body: { name } });
  const header = { "If-Match": readEntityTag(created) };
  const updated = await update(header, "First");
  expect(unwrap(updated).data.name).toBe("First");
  expect(await catchApiError(unwrap(update(header, "Late")))).toMatchObject({ status: 412 });
  expect(unwrap(await update({ "If-Match": readEntityTag(updated) }, "Next")).data.name).toBe("Next");
  expect(sent.map(({ method }) => method)).toEqual(["POST", "PATCH", "PATCH", "PATCH"]);
});

it("readEntityTag: weak tag from a proxy → the strong tag", () => {
  expect(readEntityTag({ response: new Response(null, { headers: { ETag: 'W/"a"' } }) })).toBe('"a"');
});

it("readEntityTag: response without ETag → throws", async () => {
  const { client } = await createObservedClient();
  const missing = await client.GET("/customers/{id}", { params: { path: { id: "nobody" } } });
  expect(() => readEntityTag(missing)).toThrow("The response, a 404, has no ETag.");
});

it("openapi-fetch: options, request(), middleware → work as documented", async () => {
  const { client, sent } = await createObservedClient({
    headers: new Headers({ "X-Request-Id": "of-client" }),
  });
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

it("openapi-fetch: middleware, request retried → one request and one response", async () => {
  fixBackoff(0);
  const { client } = await createClientBehind([
    "dropped before its response",
    "503 before the server gets it",
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

it("openapi-fetch: options unknown to Request → passed to fetch", async () => {
  const seen: unknown[] = [];
  const { client } = await createObservedClient({
    fetch(request) {
      seen.push((request as Request & { next?: unknown }).next);
      return fetch(request);
    },
  });
  await unwrap(client.GET("/customers", { next: { revalidate: 60 } }));
  expect(seen).toEqual([{ revalidate: 60 }]);
});

it("openapi-fetch: fetch passed to a call → no retries, still an Idempotency-Key", async () => {
  const { client } = await createObservedClient();
  const sent: Request[] = [];
  const failing = (request: Request) => {
    sent.push(request);
    return Promise.reject(new TypeError("fetch failed"));
  };
  const create = client.POST("/customers", { body: { email: "own@x.example" }, fetch: failing });
  await expect(create).rejects.toThrow("fetch failed");
  expect(sent.map(({ headers }) => headers.has("Idempotency-Key"))).toEqual([true]);
});

it("customers().pages(): two pages → each as the API returns it", async () => {
  const { client, sent } = await createObservedClient();
  const emails = await createMany(client, 3);
  sent.length = 0;
  const pages = [];
  for await (const page of client.customers({ limit: 2 }).pages()) pages.push(page);
  expect(pages.map(({ data }) => data.map(({ email }) => email))).toEqual([
    emails.slice(0, 2),
    emails.slice(2),
  ]);
  expect(pages.map(({ pagination }) => pagination.hasMore)).toEqual([true, false]);
  expect(sent).toHaveLength(2);
});

it("findCustomerByEmail: another's email contains it → the exact match", async () => {
  const { client } = await createObservedClient();
  for (const email of ["ann@find.example", "joann@find.example"])
    await unwrap(client.POST("/customers", { body: { email } }));
  expect((await client.findCustomerByEmail("ANN@find.example"))?.email).toBe("ann@find.example");
  expect((await client.findCustomerByEmail("joann@find.example"))?.email).toBe("joann@find.example");
});

it("findCustomerByEmail: nobody's email, empty email → undefined", async () => {
  const { client, sent } = await createObservedClient();
  await createMany(client, 1);
  sent.length = 0;
  expect(await client.findCustomerByEmail("nobody@find.example")).toBeUndefined();
  expect(await client.findCustomerByEmail("")).toBeUndefined();
  expect(sent).toHaveLength(1);
});

it("findCustomerByEmail: 255 characters → throws the 400", async () => {
  const { client } = await createObservedClient();
  const error = await catchApiError(client.findCustomerByEmail(`${"a".repeat(250)}@x.example`));
  expect(error).toMatchObject({ status: 400, message: "Invalid email address.", field: "email" });
});

it("findCustomerByEmail: signal aborted → throws its reason", async () => {
  const { client } = await createObservedClient();
  const signal = AbortSignal.abort(new Error("too late"));
  await expect(client.findCustomerByEmail("a@x.example", { signal })).rejects.toThrow("too late");
});
