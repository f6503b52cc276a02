import assert from "node:assert/strict";
import { isErrorFromAlias } from "@zodios/core";
import { createApiClient } from "./client";

const url = process.env.DISTRIBU_URL ?? "https://distribu.app";
const clientWith = (key: string | undefined) =>
  createApiClient(`${url}/api/v1`, {
    axiosConfig: { headers: { Authorization: `Bearer ${key}` } },
    // Only responses are validated: for invalid requests the server's 400 names the field.
    validate: "response",
  });
const client = clientWith(process.env.DISTRIBU_API_KEY);
const email = `buyer${Date.now()}@partner.example`;

// Create, get, update.
const { data: created } = await client.createCustomer({ email, name: "Partner" });
const { id } = created;
const { data: read } = await client.getCustomer({ params: { id } });
assert.equal(read.email, email);
const { data: updated } = await client.updateCustomer({ creditLimit: 5000, name: null }, { params: { id } });
assert.deepEqual([updated.creditLimit, updated.name], [5000, null]);

// List, page by page; on the last page `nextCursor` is null.
const first = await client.listCustomers({ queries: { limit: 1 } });
const cursor = first.pagination.nextCursor ?? undefined;
const second = await client.listCustomers({ queries: { limit: 1, cursor } });
assert.deepEqual([first.data[0]?.id, second.data.length], [id, 1]);
assert.notEqual(second.data[0]?.id, id);
console.log("The first listed customer:", first.data[0]?.email);

// Errors are thrown.
async function catchFailure(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    () => assert.fail("The request succeeded."),
    (thrown: unknown) => thrown,
  );
}
const wrong = await catchFailure(client.updateCustomer({ creditLimit: -1 }, { params: { id } }));
assert(isErrorFromAlias(client.api, "updateCustomer", wrong));
assert(wrong.response.status === 400 && wrong.response.data.field === "creditLimit");
const stranger = await catchFailure(clientWith("wrong").listCustomers());
assert(isErrorFromAlias(client.api, "listCustomers", stranger) && stranger.response.status === 401);
const unknown = await catchFailure(client.getCustomer({ params: { id: "unknown" } }));
assert(isErrorFromAlias(client.api, "getCustomer", unknown));
assert(unknown.response.status === 404 && unknown.response.data.error === "Customer not found.");
const taken = await catchFailure(client.createCustomer({ email }));
assert(isErrorFromAlias(client.api, "createCustomer", taken) && taken.response.status === 409);
