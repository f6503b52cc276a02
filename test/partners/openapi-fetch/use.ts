import assert from "node:assert/strict";
import createClient from "openapi-fetch";
import type { paths } from "./client";

const url = process.env.DISTRIBU_URL ?? "https://distribu.app";
const client = createClient<paths>({
  baseUrl: `${url}/api/v1`,
  headers: { Authorization: `Bearer ${process.env.DISTRIBU_API_KEY}` },
});

// Create, get, update. `data` is there when the request succeeded, `error` when it did not.
const created = await client.POST("/customers", {
  body: { email: "fetch@partner.example", name: "Partner" },
});
const id = created.data?.data.id ?? "";
const path = { id };
const { data: read } = await client.GET("/customers/{id}", { params: { path } });
assert.equal(read?.data.email, "fetch@partner.example");
const { data: updated } = await client.PATCH("/customers/{id}", {
  params: { path },
  body: { creditLimit: 5000, name: null },
});
assert.deepEqual([updated?.data.creditLimit, updated?.data.name], [5000, null]);

// List, a page at a time, until there is no cursor for a next one.
const seen: string[] = [];
let cursor: string | null | undefined;
do {
  const query = cursor ? { limit: 1, cursor } : { limit: 1 };
  const { data: page } = await client.GET("/customers", { params: { query } });
  seen.push(...(page?.data ?? []).map((customer) => customer.id));
  cursor = page?.pagination.nextCursor;
} while (cursor);
assert.deepEqual([seen.length, seen[0]], [2, id]);

// What went wrong: the status, a message, and on a 400 the field.
const wrong = await client.PATCH("/customers/{id}", { params: { path }, body: { creditLimit: -1 } });
assert.equal(wrong.response.status, 400);
assert.equal(wrong.error && "field" in wrong.error && wrong.error.field, "creditLimit");
const stranger = await client.GET("/customers", { headers: { Authorization: "Bearer wrong" } });
assert.equal(stranger.response.status, 401);
const unknown = await client.GET("/customers/{id}", { params: { path: { id: "unknown" } } });
assert.deepEqual([unknown.response.status, unknown.error?.error], [404, "Customer not found."]);
const taken = await client.POST("/customers", { body: { email: "fetch@partner.example" } });
assert.equal(taken.response.status, 409);
