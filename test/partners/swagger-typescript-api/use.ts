import assert from "node:assert/strict";
import { Api, type ErrorBody, type HttpResponse, type RequestError } from "./client";

const url = process.env.DISTRIBU_URL ?? "https://distribu.app";
const apiWith = (key: string | undefined) =>
  new Api({ baseUrl: `${url}/api/v1`, baseApiParams: { headers: { Authorization: `Bearer ${key}` } } });
const { customers } = apiWith(process.env.DISTRIBU_API_KEY);
const email = `buyer${Date.now()}@partner.example`;

// Create, get, update. They return a `Response` with the parsed body as `data`.
const created = await customers.createCustomer({ email, name: "Partner" });
const { id } = created.data.data;
const read = await customers.getCustomer(id);
assert.equal(read.data.data.email, email);
const updated = await customers.updateCustomer(id, { creditLimit: 5000, name: null });
assert.deepEqual([updated.data.data.creditLimit, updated.data.data.name], [5000, null]);

// List, page by page; on the last page `nextCursor` is null.
const { data: first } = await customers.listCustomers({ limit: 1 });
const cursor = first.pagination.nextCursor ?? undefined;
const { data: second } = await customers.listCustomers({ limit: 1, cursor });
assert.deepEqual([first.data[0]?.id, second.data.length], [id, 1]);
assert.notEqual(second.data[0]?.id, id);
console.log("The first listed customer:", first.data[0]?.email);

// Errors are thrown: a `Response` with the parsed body as `error`.
type Failure = HttpResponse<unknown, RequestError | ErrorBody>;
async function catchFailure(call: Promise<unknown>): Promise<Failure> {
  return call.then(
    () => assert.fail("The request succeeded."),
    (thrown: Failure) => thrown,
  );
}
const wrong = await catchFailure(customers.updateCustomer(id, { creditLimit: -1 }));
assert.deepEqual([wrong.status, "field" in wrong.error && wrong.error.field], [400, "creditLimit"]);
const stranger = await catchFailure(apiWith("wrong").customers.listCustomers());
assert.equal(stranger.status, 401);
const unknown = await catchFailure(customers.getCustomer("unknown"));
assert.deepEqual([unknown.status, unknown.error.error], [404, "Customer not found."]);
const taken = await catchFailure(customers.createCustomer({ email }));
assert.equal(taken.status, 409);
