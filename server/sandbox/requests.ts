/** A request for each status and error message of the contract that the sandbox can provoke, built from its data. */
import type { CustomerRow } from "../database/customers.ts";
import type { SampleRequest } from "./codeSamples.ts";
import { sandboxCustomers, type sandboxKeys, usedIdempotencyKey } from "./data.ts";

/** A request, and the response that it gets. */
export interface SandboxRequest extends SampleRequest {
  /**
   * The name of the response, such as `listCustomers 400 Invalid cursor.`; a remark in parentheses distinguishes
   * responses of the same name.
   */
  response: string;
  /** Absent if it is sent without a key. */
  key?: keyof typeof sandboxKeys;
}

type Part = Partial<SandboxRequest>;

/** The first is the customer of the contract's examples. */
const [example, second] = sandboxCustomers.sandbox as [CustomerRow, CustomerRow];
const [foreign] = sandboxCustomers.another as [CustomerRow];
const json = { "Content-Type": "application/json" };

function send(response: string, method: string, path: string, part: Part = {}): SandboxRequest {
  return { response, key: "both", method, path, headers: {}, ...part };
}

function list(response: string, query = "", part: Part = {}): SandboxRequest {
  return send(`listCustomers ${response}`, "GET", `/customers${query}`, part);
}

function get(response: string, part: Part = {}, id = example.id): SandboxRequest {
  return send(`getCustomer ${response}`, "GET", `/customers/${id}`, part);
}

function create(response: string, body: string, { headers = json, ...part }: Part = {}): SandboxRequest {
  return send(`createCustomer ${response}`, "POST", "/customers", { headers, body, ...part });
}

function update(response: string, body: string, { headers, ...part }: Part = {}): SandboxRequest {
  const all = { ...json, ...headers };
  return send(`updateCustomer ${response}`, "PATCH", `/customers/${second.id}`, {
    headers: all,
    body,
    ...part,
  });
}

/** Removes the key from a request. */
function withoutKey({ key: _, ...request }: SandboxRequest): SandboxRequest {
  return request;
}

/** Each works on its own, in any order, and any number of times. */
export const sandboxRequests: SandboxRequest[] = [
  list("200 (a page)", "?limit=2"),
  list("200 (blocked customers)", "?status=BLOCKED&limit=2"),
  list("200 (by email)", `?email=${encodeURIComponent(example.email)}`),
  list("200 (a search)", `?search=${encodeURIComponent("LÖWIN")}&limit=2`),
  list("200 (of another company)", "?limit=2", { key: "another" }),
  list("400 Malformed request.", "?search=%ff"),
  list("400 Unknown query parameter.", "?page=2"),
  list("400 Query parameter was given more than once.", "?limit=1&limit=2"),
  list("400 Limit must be an integer.", "?limit=1e1"),
  list("400 Invalid cursor.", "?cursor=2"),
  list("400 Invalid status.", "?status=active"),
  list("400 Invalid email address.", "?email=<0 x 255>"),
  list("400 Search must be at most 200 characters.", "?search=<0 x 201>"),
  withoutKey(list("401 Missing or malformed Authorization header. Use: Bearer <api_key>")),
  list("401 This API key is invalid, expired or revoked. (a revoked key)", "", { key: "revoked" }),
  list("401 This API key is invalid, expired or revoked. (an expired key)", "", { key: "expired" }),
  list("403 This API key lacks the customers:read scope.", "", { key: "write" }),

  get("200"),
  get("304", { headers: { "If-None-Match": `"${example.version.toString(36)}"` } }),
  get("404 Customer not found.", {}, foreign.id),
  get("429 Rate limit exceeded.", { key: "limited", times: 6 }),
  get("500 Internal server error.", { key: "broken" }),

  create("201", '{"email": "new@sandbox.example"}', { headers: { ...json, "Idempotency-Key": "try-1" } }),
  create("400 Invalid Idempotency-Key.", "{}", { headers: { ...json, "Idempotency-Key": "é" } }),
  create("400 Invalid JSON body.", "[]"),
  create("400 Email is required.", "{}"),
  create("400 Invalid email address.", '{"email": "a@b"}'),
  create("409 A customer with this email already exists.", `{"email": "${example.email}"}`),
  create("413 Request body is too large.", "<0 x 65537>"),
  create("415 Content-Type must be application/json.", "{}", { headers: { "Content-Type": "text/plain" } }),
  create(
    "422 This Idempotency-Key was used with a different request.",
    '{"email": "other@sandbox.example"}',
    { headers: { ...json, "Idempotency-Key": usedIdempotencyKey } },
  ),
  create("503 Service temporarily unavailable.", '{"email": "new@sandbox.example"}', { key: "unavailable" }),

  update("200", '{"notes": null, "creditLimit": 7500.5}'),
  update("400 Email cannot be changed.", '{"email": "new@sandbox.example"}'),
  update("400 Name must be between 1 and 200 characters.", '{"name": ""}'),
  update("400 Notes must be at most 2000 characters.", '{"notes": "<0 x 2001>"}'),
  update("400 Credit limit must be between 0 and 100000000.", '{"creditLimit": -1}'),
  update("400 Tax rate override must be between 0 and 0.3.", '{"taxRateOverride": 0.31}'),
  update("400 Invalid status.", '{"status": "active"}'),
  update("400 Unknown field.", '{"password": "secret"}'),
  update("403 This API key lacks the customers:write scope.", "{}", { key: "read" }),
  update("412 Customer has changed since it was read.", '{"status": "BLOCKED"}', {
    headers: { "If-Match": '"another"' },
  }),

  withoutKey(send("any 204", "OPTIONS", "/customers")),
  send("any 404 Not found.", "GET", "/customer"),
  send("any 405 Method not allowed.", "DELETE", `/customers/${example.id}`),
  send("any 431 Request headers are too large.", "GET", "/customers", { headers: { Long: "<0 x 17000>" } }),
];
