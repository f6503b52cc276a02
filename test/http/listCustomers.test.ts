import { afterAll, beforeAll, expect, it } from "vitest";
import { type ApiKey, createApiKeys } from "../../server/apiKeys.ts";
import { createOperations } from "../../server/customers.ts";
import type { Call } from "../../server/operations.ts";
import type { Partner } from "../support/partner.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { createCustomers, listIds } from "./createCustomers.ts";

let server: TestServer;
/** A partner with 101 customers. */
let many: Partner;
beforeAll(async () => {
  server = await startServer();
  many = await server.partner();
  await createCustomers(many, 101);
});
afterAll(() => server.stop());

const highestPosition = "ffffffff-ffff-7fff-bfff-ffffffffffff";
const lowestPosition = "00000000-0000-7000-8000-000000000000";
const emptyPage = { data: [], pagination: { hasMore: false, nextCursor: null } };

/** Lists the IDs of all pages, in order; `between` runs after each page. */
async function iterate(
  partner: Partner,
  { limits = [2], filter = "", between = async (_page: number) => {} } = {},
): Promise<string[]> {
  const ids: string[] = [];
  let cursor: string | null = "";
  for (let page = 0; cursor !== null; page++) {
    const limit = limits[page % limits.length];
    const { body } = await partner.send("GET", `/customers?limit=${limit}&cursor=${cursor}${filter}`);
    expect(body.pagination.hasMore).toBe(body.pagination.nextCursor !== null);
    ids.push(...listIds(body));
    cursor = body.pagination.nextCursor;
    await between(page);
  }
  return ids;
}

it("listCustomers: created one after another → newest first", async () => {
  const { send } = await server.partner();
  const created: string[] = [];
  for (let n = 0; n < 12; n++)
    created.push((await send("POST", "/customers", { email: `n${n}@x.example` })).body.data.id);
  const { body } = await send("GET", "/customers");
  expect(listIds(body)).toEqual(created.reverse());
});

it("listCustomers: created in one millisecond → ordered by createdAt, then ID", async () => {
  const partner = await server.partner();
  const { companyId } = (await createApiKeys(server.database).find(`Bearer ${partner.key}`)) as ApiKey;
  const { createCustomer } = createOperations(server.database);
  // Not over HTTP, which would spread them over time: the IDs are generated before the first customer is written.
  const calls = Array.from({ length: 100 }, (_, n) => ({
    path: {},
    query: {},
    headers: {},
    rawBody: new Uint8Array(),
    companyId,
    keyId: "",
    body: { email: `at-once-${n}@x.example`, status: "ACTIVE" },
  }));
  await Promise.all(calls.map((call) => createCustomer(call as unknown as Call<"createCustomer">)));
  const { body } = await partner.send("GET", "/customers?limit=100");
  const keys = body.data.map(({ id, createdAt }: Record<string, string>) => `${createdAt} ${id}`);
  expect(keys).toEqual([...new Set(keys)].sort().reverse());
  expect(body.data.map(({ email }: { email: string }) => email)).toEqual(
    calls.map((call) => call.body.email).reverse(),
  );
  expect(new Set(body.data.map((customer: { createdAt: string }) => customer.createdAt)).size).toBeLessThan(
    100,
  );
});

it("listCustomers: after an update → the same order", async () => {
  const partner = await server.partner();
  const ids = await createCustomers(partner, 4);
  await partner.send("PATCH", `/customers/${ids[3]}`, { name: "Changed", status: "BLOCKED" });
  expect(listIds((await partner.send("GET", "/customers")).body)).toEqual(ids);
});

it("listCustomers: no customers → an empty page", async () => {
  const { send } = await server.partner();
  expect((await send("GET", "/customers")).body).toEqual(emptyPage);
});

it.each([
  ["-5", 1],
  ["0", 1],
  ["-0", 1],
  ["1", 1],
  ["007", 7],
  ["100", 100],
  ["101", 100],
  ["9".repeat(30), 100],
  [`-${"9".repeat(30)}`, 1],
])("listCustomers: limit %s → %i customers", async (limit, count) => {
  const { status, body } = await many.send("GET", `/customers?limit=${limit}`);
  expect([status, body.data.length, body.pagination.hasMore]).toEqual([200, count, true]);
});

it("listCustomers: limit of 400 digits → clamped", async () => {
  for (const [sign, count] of [
    ["", 100],
    ["-", 1],
  ])
    expect((await many.send("GET", `/customers?limit=${sign}${"9".repeat(400)}`)).body.data).toHaveLength(
      Number(count),
    );
});

it("listCustomers: no limit → 50 customers", async () => {
  expect((await many.send("GET", "/customers")).body.data).toHaveLength(50);
});

it.each([
  "1e1",
  "0x10",
  "5.0",
  "%205",
  "5%20",
  "+5",
  "%2B5",
  "",
  "-",
  "--5",
  "five",
  "1_0",
  "NaN",
  "Infinity",
  "5%0A",
  "5%00",
  "%D9%A5",
])("listCustomers: limit '%s' → 400", async (limit) => {
  const { status, body } = await many.send("GET", `/customers?limit=${limit}`);
  expect([status, body]).toEqual([400, { error: "Limit must be an integer.", field: "limit" }]);
});

it.each([
  "abc",
  "0",
  "null",
  highestPosition.toUpperCase(),
  "019ab3f2-7c00-4d3a-9b52-3f6f1f0f6a11",
  "019ab3f2-7c00-7d3a-cb52-3f6f1f0f6a11",
  "019ab3f27c007d3a9b523f6f1f0f6a11",
  "{019ab3f2-7c00-7d3a-9b52-3f6f1f0f6a11}",
  "019ab3f2-7c00-7d3a-9b52-3f6f1f0f6a11%0A",
  "%20019ab3f2-7c00-7d3a-9b52-3f6f1f0f6a11",
  "019ab3f2-7c00-7d3a-9b52-3f6f1f0f6a1",
  "00000000-0000-0000-0000-000000000000",
  "%00",
])("listCustomers: cursor '%s' → 400", async (cursor) => {
  const { status, body } = await many.send("GET", `/customers?cursor=${cursor}`);
  expect([status, body]).toEqual([400, { error: "Invalid cursor.", field: "cursor" }]);
});

it("listCustomers: empty cursor → the first page", async () => {
  const [empty, without] = [
    await many.send("GET", "/customers?cursor="),
    await many.send("GET", "/customers"),
  ];
  expect(empty.text).toBe(without.text);
});

it("listCustomers: cursor of no customer → the customers after that position", async () => {
  const partner = await server.partner();
  const ids = await createCustomers(partner, 3);
  const idsAfter = async (cursor: string) =>
    listIds((await partner.send("GET", `/customers?cursor=${cursor}`)).body);
  expect(await idsAfter(highestPosition)).toEqual(ids);
  expect(await idsAfter(lowestPosition)).toEqual([]);
  const middle = ids[1] as string;
  const neighbour = middle.slice(0, -1) + (middle.endsWith("f") ? "e" : "f");
  expect(await idsAfter(neighbour)).toEqual(middle.endsWith("f") ? ids.slice(2) : ids.slice(1));
});

it("listCustomers: cursor of another company's customer → only own customers", async () => {
  const partner = await server.partner();
  const foreign = (await createCustomers(partner, 1))[0];
  const { status, body } = await many.send("GET", `/customers?limit=100&cursor=${foreign}`);
  expect(status).toBe(200);
  expect(listIds(body)).not.toContain(foreign);
  expect(body.data).toHaveLength(100);
});

it("listCustomers: same cursor again → the same page", async () => {
  const { body } = await many.send("GET", "/customers?limit=10");
  const target = `/customers?limit=10&cursor=${body.pagination.nextCursor}`;
  expect((await many.send("GET", target)).text).toBe((await many.send("GET", target)).text);
});

it("listCustomers: last page exactly full → nextCursor is null", async () => {
  const partner = await server.partner();
  const ids = await createCustomers(partner, 4);
  const first = (await partner.send("GET", "/customers?limit=2")).body;
  expect(first.pagination).toEqual({ hasMore: true, nextCursor: ids[1] });
  const last = (await partner.send("GET", `/customers?limit=2&cursor=${ids[1]}`)).body;
  expect(last.pagination).toEqual({ hasMore: false, nextCursor: null });
  expect(listIds(last)).toEqual(ids.slice(2));
});

it.each([[[1]], [[3]], [[100]], [[1, 7, 2, 40]]])(
  "listCustomers: iteration with limits %j → every customer once",
  async (limits) => {
    const partner = await server.partner();
    const ids = await createCustomers(partner, 13);
    expect(await iterate(partner, { limits })).toEqual(ids);
  },
);

it("listCustomers: customers created meanwhile → every earlier one once", async () => {
  const partner = await server.partner();
  const ids = await createCustomers(partner, 7);
  const seen = await iterate(partner, {
    async between(page) {
      await partner.send("POST", "/customers", { email: `new${page}@x.example` });
    },
  });
  expect(seen).toEqual(ids);
  expect((await partner.send("GET", "/customers")).body.data.length).toBeGreaterThan(7);
});

it("listCustomers: customers updated meanwhile → every one once", async () => {
  const partner = await server.partner();
  const ids = await createCustomers(partner, 6);
  const seen = await iterate(partner, {
    async between(page) {
      for (const id of ids) await partner.send("PATCH", `/customers/${id}`, { name: `Page ${page}` });
    },
  });
  expect(seen).toEqual(ids);
});

it("listCustomers: status changed meanwhile → those that match throughout once", async () => {
  const partner = await server.partner();
  const ids = await createCustomers(partner, 8);
  const [seenBefore, unseen] = [ids[0], ids[5]];
  const seen = await iterate(partner, {
    filter: "&status=ACTIVE",
    async between(page) {
      if (page > 0) return;
      for (const id of [seenBefore, unseen])
        await partner.send("PATCH", `/customers/${id}`, { status: "BLOCKED" });
    },
  });
  expect(seen).toEqual(ids.filter((id) => id !== unseen));
});

it("listCustomers: any filter → no customer of another company", async () => {
  const [ours, theirs] = [await server.partner(), await server.partner()];
  await ours.send("POST", "/customers", {
    email: "ours@shared.example",
    name: "Shared",
    status: "BLOCKED",
  });
  await theirs.send("POST", "/customers", { email: "theirs@shared.example", name: "Shared" });
  for (const query of ["", "?search=shared", "?search=theirs", `?cursor=${highestPosition}`]) {
    const { text } = await ours.send("GET", `/customers${query}`);
    expect(text).not.toContain("theirs@");
  }
  expect((await ours.send("GET", "/customers?status=ACTIVE")).body).toEqual(emptyPage);
  expect((await theirs.send("GET", "/customers?status=BLOCKED&search=shared")).body).toEqual(emptyPage);
});

it("listCustomers: HEAD → the headers of GET, no body", async () => {
  const [head, get] = [await many.send("HEAD", "/customers"), await many.send("GET", "/customers")];
  expect([head.status, head.text]).toEqual([200, ""]);
  expect(head.headers.get("Content-Length")).toBe(get.headers.get("Content-Length"));
  expect((await many.send("HEAD", "/customers?limit=x")).status).toBe(400);
});
