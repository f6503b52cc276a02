import assert from "node:assert/strict";
import { isAxiosError } from "axios";
import {
  createCustomer,
  type ErrorBody,
  getCustomer,
  listCustomers,
  type RequestError,
  updateCustomer,
} from "./client";
import { setConfig } from "./client/.kubb/fetch";

setConfig({ headers: { Authorization: `Bearer ${process.env.DISTRIBU_API_KEY}` } });
const email = `buyer${Date.now()}@partner.example`;

// Create, get, update. They return the body.
const { data: created } = await createCustomer({ email, name: "Partner" });
const { id } = created;
const { data: read } = await getCustomer(id);
assert.equal(read.email, email);
const { data: updated } = await updateCustomer(id, { creditLimit: 5000, name: null });
assert.deepEqual([updated.creditLimit, updated.name], [5000, null]);

// List, page by page; on the last page `nextCursor` is null.
const first = await listCustomers({ limit: 1 });
const cursor = first.pagination.nextCursor ?? undefined;
const second = await listCustomers({ limit: 1, cursor });
assert.deepEqual([first.data[0]?.id, second.data.length], [id, 1]);
assert.notEqual(second.data[0]?.id, id);
console.log("The first listed customer:", first.data[0]?.email);

// Errors are thrown: an `AxiosError` with the body as `response.data`.
async function catchFailure(call: Promise<unknown>) {
  const thrown = await call.then(
    () => assert.fail("The request succeeded."),
    (error: unknown) => error,
  );
  assert(isAxiosError<RequestError | ErrorBody>(thrown) && thrown.response);
  return thrown.response;
}
const wrong = await catchFailure(updateCustomer(id, { creditLimit: -1 }));
assert.deepEqual([wrong.status, "field" in wrong.data && wrong.data.field], [400, "creditLimit"]);
const stranger = await catchFailure(listCustomers({}, { headers: { Authorization: "Bearer wrong" } }));
assert.equal(stranger.status, 401);
const unknown = await catchFailure(getCustomer("unknown"));
assert.deepEqual([unknown.status, unknown.data.error], [404, "Customer not found."]);
const taken = await catchFailure(createCustomer({ email }));
assert.equal(taken.status, 409);
