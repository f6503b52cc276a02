import assert from "node:assert/strict";
import { createCustomer, defaults, getCustomer, listCustomers, updateCustomer } from "./client";

const url = process.env.DISTRIBU_URL ?? "https://distribu.app";
defaults.baseUrl = `${url}/api/v1`;
defaults.headers = { Authorization: `Bearer ${process.env.DISTRIBU_API_KEY}` };
const email = `buyer${Date.now()}@partner.example`;

// Create, get, update. The status narrows the type of `data`; an error status does not throw.
const created = await createCustomer({ email, name: "Partner" });
assert(created.status === 201);
const { id } = created.data.data;
const read = await getCustomer(id);
assert(read.status === 200 && read.data.data.email === email);
const updated = await updateCustomer(id, { creditLimit: 5000, name: null });
assert(updated.status === 200 && updated.data.data.creditLimit === 5000 && updated.data.data.name === null);

// List, page by page; on the last page `nextCursor` is null.
const first = await listCustomers({ limit: 1 });
assert(first.status === 200 && first.data.data[0]?.id === id);
const cursor = first.data.pagination.nextCursor ?? undefined;
const second = await listCustomers({ limit: 1, cursor });
assert(second.status === 200 && second.data.data.length === 1 && second.data.data[0]?.id !== id);
console.log("The first listed customer:", first.data.data[0]?.email);

// Errors: the status, a message, and on a 400 the field.
const wrong = await updateCustomer(id, { creditLimit: -1 });
assert(wrong.status === 400 && wrong.data.field === "creditLimit");
const stranger = await listCustomers({}, { headers: { Authorization: "Bearer wrong" } });
assert.equal(stranger.status, 401);
const unknown = await getCustomer("unknown");
assert(unknown.status === 404 && unknown.data.error === "Customer not found.");
const taken = await createCustomer({ email });
assert.equal(taken.status, 409);
