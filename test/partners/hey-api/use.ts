import assert from "node:assert/strict";
import { createCustomer, getCustomer, listCustomers, updateCustomer } from "./client";
import { client } from "./client/client.gen";

const url = process.env.DISTRIBU_URL ?? "https://distribu.app";
client.setConfig({ baseUrl: `${url}/api/v1`, auth: process.env.DISTRIBU_API_KEY });
const email = `buyer${Date.now()}@partner.example`;

// Create, get, update. A success sets `data`, a failure `error`.
const created = await createCustomer({ body: { email, name: "Partner" } });
const id = created.data?.data.id ?? "";
const { data: read } = await getCustomer({ path: { id } });
assert.equal(read?.data.email, email);
const { data: updated } = await updateCustomer({ path: { id }, body: { creditLimit: 5000, name: null } });
assert.deepEqual([updated?.data.creditLimit, updated?.data.name], [5000, null]);

// List, page by page; on the last page `nextCursor` is null.
const { data: first } = await listCustomers({ query: { limit: 1 } });
const { data: second } = await listCustomers({
  query: { limit: 1, cursor: first?.pagination.nextCursor ?? undefined },
});
assert.deepEqual([first?.data.length, first?.data[0]?.id, second?.data.length], [1, id, 1]);
assert.notEqual(second?.data[0]?.id, id);
console.log("The first listed customer:", first?.data[0]?.email);

// Errors: the status, a message, and on a 400 the field.
const wrong = await updateCustomer({ path: { id }, body: { creditLimit: -1 } });
assert.equal(wrong.response?.status, 400);
assert.equal(wrong.error && "field" in wrong.error && wrong.error.field, "creditLimit");
const stranger = await listCustomers({ auth: "wrong" });
assert.equal(stranger.response?.status, 401);
const unknown = await getCustomer({ path: { id: "unknown" } });
assert.deepEqual([unknown.response?.status, unknown.error?.error], [404, "Customer not found."]);
const taken = await createCustomer({ body: { email } });
assert.equal(taken.response?.status, 409);
