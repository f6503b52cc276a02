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

// Create, get, update. What is returned is the body.
const { data: created } = await createCustomer({ email: "kubb@partner.example", name: "Partner" });
const { id } = created;
const { data: read } = await getCustomer(id);
assert.equal(read.email, "kubb@partner.example");
const { data: updated } = await updateCustomer(id, { creditLimit: 5000, name: null });
assert.deepEqual([updated.creditLimit, updated.name], [5000, null]);

// List, a page at a time, until there is no cursor for a next one.
const seen: string[] = [];
let cursor: string | null = null;
do {
  const page: Awaited<ReturnType<typeof listCustomers>> = await listCustomers(
    cursor ? { limit: 1, cursor } : { limit: 1 },
  );
  seen.push(...page.data.map((customer) => customer.id));
  cursor = page.pagination.nextCursor;
} while (cursor);
assert.deepEqual([seen.length, seen[0]], [2, id]);

// What went wrong is thrown: an `AxiosError` with the body as `response.data`.
async function failureOf(answer: Promise<unknown>) {
  const thrown = await answer.then(
    () => assert.fail("The request succeeded."),
    (error: unknown) => error,
  );
  assert(isAxiosError<RequestError | ErrorBody>(thrown) && thrown.response);
  return thrown.response;
}
const wrong = await failureOf(updateCustomer(id, { creditLimit: -1 }));
assert.deepEqual([wrong.status, "field" in wrong.data && wrong.data.field], [400, "creditLimit"]);
const stranger = await failureOf(listCustomers({}, { headers: { Authorization: "Bearer wrong" } }));
assert.equal(stranger.status, 401);
const unknown = await failureOf(getCustomer("unknown"));
assert.deepEqual([unknown.status, unknown.data.error], [404, "Customer not found."]);
const taken = await failureOf(createCustomer({ email: "kubb@partner.example" }));
assert.equal(taken.status, 409);
