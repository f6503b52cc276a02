/** Updates that arrive together: on PostgreSQL, one statement updates several customers. */
import { afterAll, beforeAll, expect, it } from "vitest";
import type { ParsedResponse, Partner } from "../support/partner.ts";
import { startServer, type TestServer } from "../support/server.ts";

let server: TestServer;
let partner: Partner;
beforeAll(async () => {
  server = await startServer();
  partner = await server.partner();
});
afterAll(() => server.stop());

const range = Array.from({ length: 40 }, (_, index) => index);

async function createCustomers(): Promise<ParsedResponse[]> {
  const batch = Math.random().toString(36).slice(2);
  const body = (index: number) => ({ email: `${batch}${index}@x.example`, name: `Name ${index}`, notes: "" });
  return Promise.all(range.map((index) => partner.send("POST", "/customers", body(index))));
}

/** The values of customer `index`: text that needs escaping, and numbers that are easily rounded. */
const values = (index: number) => ({
  name: index % 3 === 0 ? null : `"${index}"\\ , {}; 'ü😀\u2028\u0001`,
  status: index % 2 === 0 ? "ACTIVE" : "BLOCKED",
  notes: index % 7 === 0 ? null : `\t${index}\r\n`,
  creditLimit: [0, 5e-324, 1e-7, 12345678.123456789, 1e8, null][index % 6],
  taxRateOverride: [0.29999999999999993, 0.1, null, 0.08875][index % 4],
});

it("updates: 40 customers at once, all fields → each its own values, and found", async () => {
  const created = await createCustomers();
  const update = async ({ body: { data: before } }: ParsedResponse, index: number) => {
    const path = `/customers/${before.id}`;
    const { status, headers, body } = await partner.send("PATCH", path, values(index));
    const { updatedAt } = body.data;
    expect([status, body.data]).toEqual([200, { ...before, ...values(index), updatedAt }]);
    expect(updatedAt > before.updatedAt).toBe(true);
    const got = await partner.send("GET", path);
    expect([got.body, got.headers.get("ETag")]).toEqual([body, headers.get("ETag")]);
  };
  await Promise.all(created.map(update));
  const found = await partner.send("GET", `/customers?limit=100&search=${encodeURIComponent("Ü😀")}`);
  expect(found.body.data).toHaveLength(range.filter((index) => index % 3 !== 0).length);
});

it("updates: valid, no effect, unknown ID, stale tag at once → 200, 200, 404, 412", async () => {
  const created = await createCustomers();
  const update = ({ headers, body: { data } }: ParsedResponse, index: number) => {
    const [isSame, isUnknown, isStale] = [1, 2, 3].map((kind) => index % 4 === kind);
    const path = isUnknown ? data.id.replace(/.{4}$/, "ffff") : data.id;
    const tag = isStale ? '"stale"' : `${headers.get("ETag")}`;
    // Half of the others are unconditional.
    const conditions: Record<string, string> = isStale || index % 8 > 3 ? { "If-Match": tag } : {};
    const name = isSame ? data.name : `Changed ${index}`;
    return partner.send("PATCH", `/customers/${path}`, { name }, conditions);
  };
  const sent = await Promise.all(created.map(update));
  expect(sent.map(({ status }) => status)).toEqual(range.map((index) => [200, 200, 404, 412][index % 4]));
  for (const [index, { headers, body }] of created.entries()) {
    const got = await partner.send("GET", `/customers/${body.data.id}`);
    if (index % 4 === 0) expect(got.body).toEqual(sent[index]?.body);
    else expect([got.body, got.headers.get("ETag")]).toEqual([body, headers.get("ETag")]);
  }
});
