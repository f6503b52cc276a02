import assert from "node:assert/strict";
import { createCustomer, getCustomer, listCustomers, updateCustomer } from "./client";

const authorized = { headers: { Authorization: `Bearer ${process.env.DISTRIBU_API_KEY}` } };

// Create, get, update. The status tells the compiler what `data` is; nothing throws on an error status.
const created = await createCustomer({ email: "orval@partner.example", name: "Partner" }, authorized);
assert(created.status === 201);
const { id } = created.data.data;
const read = await getCustomer(id, authorized);
assert(read.status === 200 && read.data.data.email === "orval@partner.example");
const updated = await updateCustomer(id, { creditLimit: 5000, name: null }, authorized);
assert(updated.status === 200 && updated.data.data.creditLimit === 5000 && updated.data.data.name === null);

// List, a page at a time, until there is no cursor for a next one.
const seen: string[] = [];
let cursor: string | null = null;
do {
  const page: Awaited<ReturnType<typeof listCustomers>> = await listCustomers(
    cursor ? { limit: 1, cursor } : { limit: 1 },
    authorized,
  );
  assert(page.status === 200);
  seen.push(...page.data.data.map((customer) => customer.id));
  cursor = page.data.pagination.nextCursor;
} while (cursor);
assert.deepEqual([seen.length, seen[0]], [2, id]);

// What went wrong: the status, a message, and on a 400 the field.
const wrong = await updateCustomer(id, { creditLimit: -1 }, authorized);
assert(wrong.status === 400 && wrong.data.field === "creditLimit");
const stranger = await listCustomers({}, { headers: { Authorization: "Bearer wrong" } });
assert.equal(stranger.status, 401);
const unknown = await getCustomer("unknown", authorized);
assert(unknown.status === 404 && unknown.data.error === "Customer not found.");
const taken = await createCustomer({ email: "orval@partner.example" }, authorized);
assert.equal(taken.status, 409);
