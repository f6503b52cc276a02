import assert from "node:assert/strict";
import createClient from "openapi-fetch";
import type { paths } from "./client";

const url = process.env.DISTRIBU_URL ?? "https://distribu.app";
const client = createClient<paths>({
  baseUrl: `${url}/api/v1`,
  headers: { Authorization: `Bearer ${process.env.DISTRIBU_API_KEY}` },
});
const email = `buyer${Date.now()}@partner.example`;

// Create, get, update. A success sets `data`, a failure `error`.
const created = await client.POST("/customers", {
  body: { email, name: "Partner" },
});
const id = created.data?.data.id ?? "";
const path = { id };
const { data: read } = await client.GET("/customers/{id}", { params: { path } });
assert.equal(read?.data.email, email);
const { data: updated } = await client.PATCH("/customers/{id}", {
  params: { path },
  body: { creditLimit: 5000, name: null },
});
assert.deepEqual([updated?.data.creditLimit, updated?.data.name], [5000, null]);

// List, page by page; on the last page `nextCursor` is null.
const { data: first } = await client.GET("/customers", { params: { query: { limit: 1 } } });
const cursor = first?.pagination.nextCursor ?? undefined;
const { data: second } = await client.GET("/customers", { params: { query: { limit: 1, cursor } } });
assert.deepEqual([first?.data[0]?.id, second?.data.length], [id, 1]);
assert.notEqual(second?.data[0]?.id, id);
console.log("The first listed customer:", first?.data[0]?.email);

// Errors: the status, a message, and on a 400 the field.
const wrong = await client.PATCH("/customers/{id}", { params: { path }, body: { creditLimit: -1 } });
assert.equal(wrong.response.status, 400);
assert.equal(wrong.error && "field" in wrong.error && wrong.error.field, "creditLimit");
const stranger = await client.GET("/customers", { headers: { Authorization: "Bearer wrong" } });
assert.equal(stranger.response.status, 401);
const unknown = await client.GET("/customers/{id}", { params: { path: { id: "unknown" } } });
assert.deepEqual([unknown.response.status, unknown.error?.error], [404, "Customer not found."]);
const taken = await client.POST("/customers", { body: { email } });
assert.equal(taken.response.status, 409);
