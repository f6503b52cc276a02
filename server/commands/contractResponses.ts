/** The responses that `distribu contract` provokes, and the requests that provoke them. */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import type { operations as described } from "../../generated/api.ts";
import type { AnyRequestMessages, Messages } from "../../generated/messages.ts";
import type { ObservedResponse } from "../contractCheck.ts";
import type { OperationId } from "../operations.ts";
import {
  type ContractClient,
  confirmResponse,
  createEmail,
  getOperation,
  SkippedError,
} from "./contractClient.ts";

type StatusOf<Id extends OperationId> = keyof described[Id]["responses"] & number;

/** A name for each operation, status and error message: `createCustomer 201`, `getCustomer 404 Customer not found.` */
export type OperationResponseName = {
  [Id in OperationId]: {
    [Status in StatusOf<Id>]: Status extends keyof Messages[Id]
      ? `${Id} ${Status} ${Messages[Id][Status] & string}`
      : `${Id} ${Status}`;
  }[StatusOf<Id>];
}[OperationId];

/** The same for responses that any request may get; that to OPTIONS has no error message. */
export type AnyResponseName =
  | "any 204"
  | {
      [Status in keyof AnyRequestMessages]: `any ${Status} ${AnyRequestMessages[Status]}`;
    }[keyof AnyRequestMessages];

/** The name of every response of the contract. */
export type ResponseName = OperationResponseName | AnyResponseName;

export const reads = ["listCustomers", "getCustomer"] as const;
export const writes = ["createCustomer", "updateCustomer"] as const;
export const everyOperation = [...reads, ...writes] as const;

/** Returns an entry for each of several operations that share a response. */
export function forOperations<Id extends OperationId, Rest extends string, Context>(
  ids: readonly Id[],
  rest: `${Id} ${Rest}` extends ResponseName ? Rest : never,
  provoke: (context: Context, id: Id) => Promise<ObservedResponse>,
): Record<`${Id} ${Rest}`, (context: Context) => Promise<ObservedResponse>> {
  const entries = ids.map((id) => [`${id} ${rest}`, (context: Context) => provoke(context, id)]);
  return Object.fromEntries(entries);
}

type ProvokeResponse = (client: ContractClient) => Promise<ObservedResponse>;

/** One byte more than a body may have. */
const largeBody = `{"notes":"${"x".repeat(65_537 - 12)}"}`;

/** Keyed by the name of the response; a remark in parentheses distinguishes responses of the same name. */
export const provokedResponses = {
  "listCustomers 200": (client) => client.call("listCustomers", { query: "?limit=2&status=ACTIVE" }),
  "listCustomers 200 (the next page)": async (client) => {
    await Promise.all([client.find(), client.find()]);
    const first = await client.call("listCustomers", { query: "?limit=1" });
    const { body } = confirmResponse("listCustomers 200", first);
    const { nextCursor } = JSON.parse(body).pagination;
    if (nextCursor === null) throw new SkippedError("The company has only one customer.");
    return client.call("listCustomers", { query: `?limit=1&cursor=${nextCursor}` });
  },
  "listCustomers 200 (a search)": async (client) => {
    const { id, email } = await client.find();
    const search = encodeURIComponent(email.toUpperCase().slice(0, 200));
    const response = await client.call("listCustomers", { query: `?search=${search}` });
    const found = JSON.parse(confirmResponse("listCustomers 200", response).body).data.map(
      (customer: { id: string }) => customer.id,
    );
    assert(found.includes(id), "a search for an email finds its customer");
    // An existing customer's email may contain that of another.
    if (!client.isReadOnly) assert.deepEqual(found, [id], "a search for a new email finds only its customer");
    return response;
  },
  "listCustomers 200 (HEAD)": (client) => client.call("listCustomers", { method: "HEAD" }),
  "listCustomers 400 Query parameter was given more than once.": (client) =>
    client.call("listCustomers", { query: "?limit=1&limit=1" }),
  "listCustomers 400 Limit must be an integer.": (client) =>
    client.call("listCustomers", { query: "?limit=1e1" }),
  "listCustomers 400 Invalid cursor.": (client) => client.call("listCustomers", { query: "?cursor=2" }),
  "listCustomers 400 Invalid email address.": (client) =>
    client.call("listCustomers", { query: `?email=${"a".repeat(255)}` }),
  "listCustomers 400 Invalid status.": (client) => client.call("listCustomers", { query: "?status=active" }),
  "listCustomers 400 Search must be at most 200 characters.": (client) =>
    client.call("listCustomers", { query: `?search=${"x".repeat(201)}` }),

  "createCustomer 201": (client) => client.call("createCustomer"),
  "createCustomer 201 (replayed)": async (client) => {
    const headers = { "Idempotency-Key": randomUUID() };
    const body = JSON.stringify({ email: createEmail() });
    const first = confirmResponse(
      "createCustomer 201",
      await client.call("createCustomer", { headers, body }),
    );
    const second = await client.call("createCustomer", { headers, body });
    assert.equal(first.headers["idempotent-replayed"], undefined, "the first response is not a replay");
    assert.equal(second.headers["idempotent-replayed"], "true", "the second response is marked as a replay");
    assert.equal(second.body, first.body, "the second response has the body of the first");
    return second;
  },
  "createCustomer 400 Invalid Idempotency-Key.": (client) =>
    client.call("createCustomer", { headers: { "Idempotency-Key": "x".repeat(256) } }),
  "createCustomer 400 Email is required.": (client) =>
    client.call("createCustomer", { fields: { email: null } }),
  "createCustomer 400 Invalid email address.": (client) =>
    client.call("createCustomer", { fields: { email: "a@b" } }),
  "createCustomer 409 A customer with this email already exists.": async (client) => {
    const { email } = await client.create();
    return client.call("createCustomer", { fields: { email: email.toUpperCase() } });
  },
  "createCustomer 422 This Idempotency-Key was used with a different request.": async (client) => {
    const headers = { "Idempotency-Key": randomUUID() };
    confirmResponse("createCustomer 201", await client.call("createCustomer", { headers }));
    return client.call("createCustomer", { headers });
  },

  "getCustomer 200": async (client) => client.call("getCustomer", await client.find()),
  "getCustomer 200 (HEAD)": async (client) => {
    const { id } = await client.find();
    return client.call("getCustomer", { id, method: "HEAD" });
  },
  "getCustomer 304": async (client) => {
    const { id, entityTag } = await client.find();
    return client.call("getCustomer", { id, headers: { "If-None-Match": entityTag } });
  },
  "getCustomer 404 Customer not found.": (client) => client.call("getCustomer"),

  "updateCustomer 200": async (client) => {
    const { id, entityTag } = await client.create();
    return client.call("updateCustomer", {
      id,
      fields: { status: "BLOCKED", notes: null },
      headers: { "If-Match": entityTag },
    });
  },
  "updateCustomer 400 Email cannot be changed.": (client) =>
    client.call("updateCustomer", { fields: { email: createEmail() } }),
  "updateCustomer 404 Customer not found.": (client) => client.call("updateCustomer"),
  "updateCustomer 412 Customer has changed since it was read.": async (client) => {
    const { id } = await client.create();
    return client.call("updateCustomer", { id, headers: { "If-Match": '"another"' } });
  },

  ...forOperations(["listCustomers"], "400 Malformed request.", (client: ContractClient, id) =>
    client.call(id, { query: "?search=%ff" }),
  ),
  ...forOperations(
    ["getCustomer", "updateCustomer"],
    "400 Malformed request.",
    (client: ContractClient, id) => client.call(id, { id: "%ff" }),
  ),
  ...forOperations(["createCustomer"], "400 Malformed request.", (client: ContractClient, id) =>
    client.call(id, { query: "?%ff" }),
  ),
  ...forOperations(everyOperation, "400 Unknown query parameter.", (client: ContractClient, id) =>
    client.call(id, { query: "?page=2" }),
  ),
  ...forOperations(
    everyOperation,
    "401 Missing or malformed Authorization header. Use: Bearer <api_key>",
    (client: ContractClient, id) => client.call(id, { key: null }),
  ),
  ...forOperations(
    everyOperation,
    "401 This API key is invalid, expired or revoked.",
    (client: ContractClient, id) => client.call(id, { key: `dk_${"x".repeat(43)}` }),
  ),
  ...forOperations(writes, "400 Invalid JSON body.", (client: ContractClient, id) =>
    client.call(id, { body: "[]" }),
  ),
  ...forOperations(writes, "400 Name must be between 1 and 200 characters.", (client: ContractClient, id) =>
    client.call(id, { fields: { name: "" } }),
  ),
  ...forOperations(writes, "400 Notes must be at most 2000 characters.", (client: ContractClient, id) =>
    client.call(id, { fields: { notes: "x".repeat(2001) } }),
  ),
  ...forOperations(
    writes,
    "400 Credit limit must be between 0 and 100000000.",
    (client: ContractClient, id) => client.call(id, { fields: { creditLimit: -1 } }),
  ),
  ...forOperations(writes, "400 Tax rate override must be between 0 and 0.3.", (client: ContractClient, id) =>
    client.call(id, { fields: { taxRateOverride: 0.31 } }),
  ),
  ...forOperations(writes, "400 Invalid status.", (client: ContractClient, id) =>
    client.call(id, { fields: { status: "active" } }),
  ),
  ...forOperations(writes, "400 Unknown field.", (client: ContractClient, id) =>
    client.call(id, { fields: { password: "secret" } }),
  ),
  ...forOperations(writes, "413 Request body is too large.", (client: ContractClient, id) =>
    client.call(id, { body: largeBody }),
  ),
  ...forOperations(writes, "415 Content-Type must be application/json.", (client: ContractClient, id) =>
    client.call(id, { headers: { "Content-Type": "application/merge-patch+json" } }),
  ),

  "any 204": (client) => client.send("OPTIONS", "/customers", { key: null }),
  "any 404 Not found.": (client) => client.send("GET", "/customer"),
  "any 404 Not found. (a trailing slash)": (client) => client.send("GET", "/customers/"),
  "any 405 Method not allowed.": (client) => client.send("DELETE", "/customers"),
} satisfies Partial<Record<ResponseName | `${ResponseName} (${string})`, ProvokeResponse>>;

/** Whether a response can be provoked without a request that could write. */
export function isProvokedByReads(name: string): boolean {
  const [operation, status] = name.split(" ");
  if (operation === "any") return status !== "405";
  return getOperation(operation as OperationId).method === "GET";
}
