/**
 * Every answer of the contract, by name, and how one provokes it from outside: with a key and
 * nothing else. What needs more than that is in contract.test.ts.
 */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import type { operations as described } from "../../generated/api.ts";
import type { AnyRequestMessages, Messages } from "../../generated/messages.ts";
import { basePath, type Operation, operations } from "../contract.ts";
import {
  createCheckedFetch,
  findDescribedResponse,
  findOperation,
  findResponses,
  formatReport,
  type ObservedResponse,
} from "../contractCheck.ts";
import type { OperationId } from "../operations.ts";

type StatusOf<Id extends OperationId> = keyof described[Id]["responses"] & number;

/** One name for each operation, status and message: `createCustomer 201`, `getCustomer 404 Customer not found.` */
export type OperationAnswer = {
  [Id in OperationId]: {
    [Status in StatusOf<Id>]: Status extends keyof Messages[Id]
      ? `${Id} ${Status} ${Messages[Id][Status] & string}`
      : `${Id} ${Status}`;
  }[StatusOf<Id>];
}[OperationId];

/** The same for what any request may be answered; OPTIONS has no message. */
export type AnyRequestAnswer =
  | "any 204"
  | {
      [Status in keyof AnyRequestMessages]: `any ${Status} ${AnyRequestMessages[Status]}`;
    }[keyof AnyRequestMessages];

export type AnswerName = OperationAnswer | AnyRequestAnswer;

/** The name of an answer that is as the contract says. */
export function nameOf(answer: ObservedResponse): string {
  const operation = findOperation(answer);
  const isItsOwn = operation && answer.status in findResponses(operation);
  const message = answer.status >= 400 && answer.body !== "" ? [JSON.parse(answer.body).error] : [];
  return [isItsOwn ? operation.operationId : "any", answer.status, ...message].join(" ");
}

/**
 * The answer, where it is the one that was to be provoked, with the `field` that the example of its
 * message shows.
 * @param name may end in a remark in parentheses
 * @throws {Error} the report of what differs
 */
export function confirmed(name: string, answer: ObservedResponse): ObservedResponse {
  const expected = name.replace(/ \([^()]*\)$/, "");
  const came = nameOf(answer);
  if (came !== expected) {
    throw new Error(formatReport(answer, [{ where: "response", contract: expected, response: came }]));
  }
  if (answer.status < 400 || answer.body === "") return answer;
  const { error, field = "absent" } = JSON.parse(answer.body);
  const examples: { value: { error: string; field?: string } }[] = Object.values(
    findDescribedResponse(answer).content["application/json"].examples,
  );
  const shown = examples.find(({ value }) => value.error === error)?.value.field ?? "absent";
  if (field !== shown) {
    throw new Error(formatReport(answer, [{ where: "body/field", contract: shown, response: field }]));
  }
  return answer;
}

/** What a request has that differs from a good one. */
export interface Variation {
  /** `HEAD` in place of GET. */
  method?: "HEAD";
  /** An id that no customer has, unless one is given. */
  id?: string;
  query?: string;
  /** Fields of the body, beside or in place of those that a good request has. */
  fields?: Record<string, unknown>;
  /** The whole body. */
  body?: string;
  headers?: Record<string, string>;
  /** Another key, or none. */
  key?: string | null;
}

/** An API, ours or a deployment, with a key for it. Rejects where an answer differs from the contract. */
export interface Api {
  /** Sends a request; the path is below `/api/v1`. */
  send(method: string, path: string, variation?: Variation): Promise<ObservedResponse>;
  /** Calls an operation with a good request, or with a variation of one. */
  call(id: OperationId, variation?: Variation): Promise<ObservedResponse>;
  /** Creates a customer. */
  create(): Promise<{ id: string; email: string; entityTag: string }>;
}

/** Has the form of an id, and a time before any customer's. */
const unusedId = "00000000-0000-7000-8000-000000000000";

/** How long an answer may take, so that a deployment that hangs ends the check. */
const patienceInMilliseconds = 30_000;

/** @param url without `/api/v1` */
export function createApi(options: { url: string; key: string; strictHeaders?: boolean }): Api {
  const self: Api = {
    async send(method, path, { key = options.key, headers, body } = {}) {
      let answer: ObservedResponse | undefined;
      const checkedFetch = createCheckedFetch({ ...options, onResponse: (response) => (answer = response) });
      await checkedFetch(options.url + basePath + path, {
        method,
        headers: { ...(key !== null && { Authorization: `Bearer ${key}` }), ...headers },
        ...(body !== undefined && { body }),
        redirect: "manual",
        signal: AbortSignal.timeout(patienceInMilliseconds),
      });
      return answer as unknown as ObservedResponse;
    },
    call(operationId, { id = unusedId, query = "", fields, ...variation } = {}) {
      const operation = operationNamed(operationId);
      const path = operation.route.openApiRoute.replace("{id}", id) + query;
      const body = operationId === "createCustomer" ? { email: newEmail(), ...fields } : { ...fields };
      return self.send(variation.method ?? operation.method, path, {
        ...(operation.bodySchema && { body: JSON.stringify(body) }),
        ...variation,
        headers: {
          ...(operation.bodySchema && { "Content-Type": "application/json" }),
          ...variation.headers,
        },
      });
    },
    async create() {
      const { body, headers } = confirmed("createCustomer 201", await self.call("createCustomer"));
      const { id, email } = JSON.parse(body).data;
      return { id, email, entityTag: String(headers.etag) };
    },
  };
  return self;
}

export function operationNamed(id: OperationId): Operation {
  return operations.find(({ operationId }) => operationId === id) as Operation;
}

/** An email that no customer has. */
export function newEmail(): string {
  return `contract-${randomUUID()}@contract.example`;
}

export const reads = ["listCustomers", "getCustomer"] as const;
export const writes = ["createCustomer", "updateCustomer"] as const;
export const everyOperation = [...reads, ...writes] as const;

/** One entry for each of some operations that have an answer in common. */
export function each<Id extends OperationId, Rest extends string, Context>(
  ids: readonly Id[],
  rest: `${Id} ${Rest}` extends AnswerName ? Rest : never,
  provoke: (context: Context, id: Id) => Promise<ObservedResponse>,
): Record<`${Id} ${Rest}`, (context: Context) => Promise<ObservedResponse>> {
  const entries = ids.map((id) => [`${id} ${rest}`, (context: Context) => provoke(context, id)]);
  return Object.fromEntries(entries);
}

type Provoke = (api: Api) => Promise<ObservedResponse>;

/** One byte more than the contract lets a body have. */
const largeBody = `{"notes":"${"x".repeat(65_537 - 12)}"}`;

/** What can be provoked from outside. A remark in parentheses tells apart what has the same name. */
export const outsideAnswers = {
  "listCustomers 200": (api) => api.call("listCustomers", { query: "?limit=2&status=ACTIVE" }),
  "listCustomers 200 (the page that follows)": async (api) => {
    await Promise.all([api.create(), api.create()]);
    const first = await api.call("listCustomers", { query: "?limit=1" });
    const { body } = confirmed("listCustomers 200", first);
    const { nextCursor } = JSON.parse(body).pagination;
    return api.call("listCustomers", { query: `?limit=1&cursor=${nextCursor}` });
  },
  "listCustomers 200 (a search)": async (api) => {
    const { id, email } = await api.create();
    const answer = await api.call("listCustomers", { query: `?search=${email.toUpperCase()}` });
    const found = JSON.parse(confirmed("listCustomers 200", answer).body).data.map(
      (customer: { id: string }) => customer.id,
    );
    assert.deepEqual(found, [id], "a search for an email finds its customer and no other");
    return answer;
  },
  "listCustomers 200 (HEAD)": (api) => api.call("listCustomers", { method: "HEAD" }),
  "listCustomers 400 Query parameter was given more than once.": (api) =>
    api.call("listCustomers", { query: "?limit=1&limit=1" }),
  "listCustomers 400 Limit must be an integer.": (api) => api.call("listCustomers", { query: "?limit=1e1" }),
  "listCustomers 400 Invalid cursor.": (api) => api.call("listCustomers", { query: "?cursor=2" }),
  "listCustomers 400 Invalid email address.": (api) =>
    api.call("listCustomers", { query: `?email=${"a".repeat(255)}` }),
  "listCustomers 400 Invalid status.": (api) => api.call("listCustomers", { query: "?status=active" }),
  "listCustomers 400 Search must be at most 200 characters.": (api) =>
    api.call("listCustomers", { query: `?search=${"x".repeat(201)}` }),

  "createCustomer 201": (api) => api.call("createCustomer"),
  "createCustomer 201 (replayed)": async (api) => {
    const headers = { "Idempotency-Key": randomUUID() };
    const body = JSON.stringify({ email: newEmail() });
    const first = confirmed("createCustomer 201", await api.call("createCustomer", { headers, body }));
    const second = await api.call("createCustomer", { headers, body });
    assert.equal(first.headers["idempotent-replayed"], undefined, "the first answer is not a replay");
    assert.equal(second.headers["idempotent-replayed"], "true", "the second answer says that it is a replay");
    assert.equal(second.body, first.body, "the second answer has the body of the first");
    return second;
  },
  "createCustomer 400 Invalid Idempotency-Key.": (api) =>
    api.call("createCustomer", { headers: { "Idempotency-Key": "x".repeat(256) } }),
  "createCustomer 400 Email is required.": (api) => api.call("createCustomer", { fields: { email: null } }),
  "createCustomer 400 Invalid email address.": (api) =>
    api.call("createCustomer", { fields: { email: "a@b" } }),
  "createCustomer 409 A customer with this email already exists.": async (api) => {
    const { email } = await api.create();
    return api.call("createCustomer", { fields: { email: email.toUpperCase() } });
  },
  "createCustomer 422 This Idempotency-Key was used with a different request.": async (api) => {
    const headers = { "Idempotency-Key": randomUUID() };
    confirmed("createCustomer 201", await api.call("createCustomer", { headers }));
    return api.call("createCustomer", { headers });
  },

  "getCustomer 200": async (api) => api.call("getCustomer", await api.create()),
  "getCustomer 200 (HEAD)": async (api) => {
    const { id } = await api.create();
    return api.call("getCustomer", { id, method: "HEAD" });
  },
  "getCustomer 304": async (api) => {
    const { id, entityTag } = await api.create();
    return api.call("getCustomer", { id, headers: { "If-None-Match": entityTag } });
  },
  "getCustomer 404 Customer not found.": (api) => api.call("getCustomer"),

  "updateCustomer 200": async (api) => {
    const { id, entityTag } = await api.create();
    return api.call("updateCustomer", {
      id,
      fields: { status: "BLOCKED", notes: null },
      headers: { "If-Match": entityTag },
    });
  },
  "updateCustomer 400 Email cannot be changed.": (api) =>
    api.call("updateCustomer", { fields: { email: newEmail() } }),
  "updateCustomer 404 Customer not found.": (api) => api.call("updateCustomer"),
  "updateCustomer 412 Customer has changed since it was read.": async (api) => {
    const { id } = await api.create();
    return api.call("updateCustomer", { id, headers: { "If-Match": '"another"' } });
  },

  ...each(["listCustomers"], "400 Malformed request.", (api: Api, id) =>
    api.call(id, { query: "?search=%ff" }),
  ),
  ...each(["getCustomer", "updateCustomer"], "400 Malformed request.", (api: Api, id) =>
    api.call(id, { id: "%ff" }),
  ),
  ...each(["createCustomer"], "400 Malformed request.", (api: Api, id) => api.call(id, { query: "?%ff" })),
  ...each(everyOperation, "400 Unknown query parameter.", (api: Api, id) =>
    api.call(id, { query: "?page=2" }),
  ),
  ...each(
    everyOperation,
    "401 Missing or malformed Authorization header. Use: Bearer <api_key>",
    (api: Api, id) => api.call(id, { key: null }),
  ),
  ...each(everyOperation, "401 This API key is invalid, expired or revoked.", (api: Api, id) =>
    api.call(id, { key: `dk_${"x".repeat(43)}` }),
  ),
  ...each(writes, "400 Invalid JSON body.", (api: Api, id) => api.call(id, { body: "[]" })),
  ...each(writes, "400 Name must be between 1 and 200 characters.", (api: Api, id) =>
    api.call(id, { fields: { name: "" } }),
  ),
  ...each(writes, "400 Notes must be at most 2000 characters.", (api: Api, id) =>
    api.call(id, { fields: { notes: "x".repeat(2001) } }),
  ),
  ...each(writes, "400 Credit limit must be between 0 and 100000000.", (api: Api, id) =>
    api.call(id, { fields: { creditLimit: -1 } }),
  ),
  ...each(writes, "400 Tax rate override must be between 0 and 0.3.", (api: Api, id) =>
    api.call(id, { fields: { taxRateOverride: 0.31 } }),
  ),
  ...each(writes, "400 Invalid status.", (api: Api, id) => api.call(id, { fields: { status: "active" } })),
  ...each(writes, "400 Unknown field.", (api: Api, id) => api.call(id, { fields: { password: "secret" } })),
  ...each(writes, "413 Request body is too large.", (api: Api, id) => api.call(id, { body: largeBody })),
  ...each(writes, "415 Content-Type must be application/json.", (api: Api, id) =>
    api.call(id, { headers: { "Content-Type": "application/merge-patch+json" } }),
  ),

  "any 204": (api) => api.send("OPTIONS", "/customers", { key: null }),
  "any 404 Not found.": (api) => api.send("GET", "/customer"),
  "any 404 Not found. (a trailing slash)": (api) => api.send("GET", "/customers/"),
  "any 405 Method not allowed.": (api) => api.send("DELETE", "/customers"),
} satisfies Partial<Record<AnswerName | `${AnswerName} (${string})`, Provoke>>;
