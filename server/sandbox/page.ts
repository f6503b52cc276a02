/** The start page of the sandbox: its keys, and a curl for each answer that the contract has. */
import { contract } from "../contract.ts";
import type { CustomerRow } from "../database/customers.ts";
import { sandboxCustomers, sandboxKeys, usedIdempotencyKey } from "./data.ts";

/** Something to try: the answer it gives, with a remark where several do, the key, and what curl is told beside it; `$API` is where the API is. */
type Try = [answer: string, key: keyof typeof sandboxKeys | undefined, curl: string];

const [first, second] = sandboxCustomers.sandbox as [CustomerRow, CustomerRow];
const [foreign] = sandboxCustomers.another as [CustomerRow];
const json = `-H "Content-Type: application/json"`;
const list = `"$API/customers"`;
const one = `"$API/customers/${first.id}"`;
const create = (body: string, headers = json) => `${headers} ${list} -d '${body}'`;
const update = (body: string, headers = json) =>
  `-X PATCH ${headers} "$API/customers/${second.id}" -d '${body}'`;

/** Each by itself, in any order, as often as you like. */
const tries: Try[] = [
  ["listCustomers 200 (a page)", "both", `"$API/customers?limit=2"`],
  ["listCustomers 200 (those that are blocked)", "both", `"$API/customers?status=BLOCKED&limit=2"`],
  ["listCustomers 200 (by email)", "both", `-G ${list} --data-urlencode "email=${first.email}"`],
  ["listCustomers 200 (a search)", "both", `-G ${list} --data-urlencode "search=LÖWIN" -d limit=2`],
  ["listCustomers 200 (of another company)", "another", `"$API/customers?limit=2"`],
  ["getCustomer 200", "both", one],
  ["getCustomer 304", "both", `-H 'If-None-Match: "${first.version.toString(36)}"' ${one}`],
  [
    "createCustomer 201",
    "both",
    create('{"email": "new@sandbox.example"}', `${json} -H "Idempotency-Key: try-1"`),
  ],
  ["updateCustomer 200", "both", update('{"notes": null, "creditLimit": 7500.5}')],
  ["any 204", undefined, `-X OPTIONS ${list}`],

  ["listCustomers 400 Malformed request.", "both", `"$API/customers?search=%ff"`],
  ["listCustomers 400 Unknown query parameter.", "both", `"$API/customers?page=2"`],
  ["listCustomers 400 Query parameter was given more than once.", "both", `"$API/customers?limit=1&limit=2"`],
  ["listCustomers 400 Limit must be an integer.", "both", `"$API/customers?limit=1e1"`],
  ["listCustomers 400 Invalid cursor.", "both", `"$API/customers?cursor=2"`],
  ["listCustomers 400 Invalid status.", "both", `"$API/customers?status=active"`],
  ["listCustomers 400 Invalid email address.", "both", `"$API/customers?email=$(printf '%0255d' 0)"`],
  [
    "listCustomers 400 Search must be at most 200 characters.",
    "both",
    `"$API/customers?search=$(printf '%0201d' 0)"`,
  ],
  ["createCustomer 400 Invalid Idempotency-Key.", "both", create("{}", `${json} -H "Idempotency-Key: é"`)],
  ["createCustomer 400 Invalid JSON body.", "both", create("[]")],
  ["createCustomer 400 Email is required.", "both", create("{}")],
  ["createCustomer 400 Invalid email address.", "both", create('{"email": "a@b"}')],
  ["updateCustomer 400 Email cannot be changed.", "both", update('{"email": "new@sandbox.example"}')],
  ["updateCustomer 400 Name must be between 1 and 200 characters.", "both", update('{"name": ""}')],
  [
    "updateCustomer 400 Notes must be at most 2000 characters.",
    "both",
    `-X PATCH ${json} "$API/customers/${second.id}" -d "{\\"notes\\": \\"$(printf '%02001d' 0)\\"}"`,
  ],
  ["updateCustomer 400 Credit limit must be between 0 and 100000000.", "both", update('{"creditLimit": -1}')],
  [
    "updateCustomer 400 Tax rate override must be between 0 and 0.3.",
    "both",
    update('{"taxRateOverride": 0.31}'),
  ],
  ["updateCustomer 400 Invalid status.", "both", update('{"status": "active"}')],
  ["updateCustomer 400 Unknown field.", "both", update('{"password": "secret"}')],

  ["listCustomers 401 Missing or malformed Authorization header. Use: Bearer <api_key>", undefined, list],
  ["listCustomers 401 This API key is invalid, expired or revoked. (a revoked key)", "revoked", list],
  ["listCustomers 401 This API key is invalid, expired or revoked. (an expired key)", "expired", list],
  ["listCustomers 403 This API key lacks the customers:read scope.", "write", list],
  ["updateCustomer 403 This API key lacks the customers:write scope.", "read", update("{}")],
  ["getCustomer 404 Customer not found.", "both", `"$API/customers/${foreign.id}"`],
  ["any 404 Not found.", "both", `"$API/customer"`],
  ["any 405 Method not allowed.", "both", `-X DELETE ${one}`],
  [
    "createCustomer 409 A customer with this email already exists.",
    "both",
    create(`{"email": "${first.email}"}`),
  ],
  [
    "updateCustomer 412 Customer has changed since it was read.",
    "both",
    update('{"status": "BLOCKED"}', `${json} -H 'If-Match: "another"'`),
  ],
  ["createCustomer 413 Request body is too large.", "both", `${json} ${list} -d "$(printf '%065537d' 0)"`],
  ["createCustomer 415 Content-Type must be application/json.", "both", create("{}", "")],
  [
    "createCustomer 422 This Idempotency-Key was used with a different request.",
    "both",
    create('{"email": "other@sandbox.example"}', `${json} -H "Idempotency-Key: ${usedIdempotencyKey}"`),
  ],
  ["getCustomer 429 Rate limit exceeded.", "limited", `"$API/customers/{${Array(6).fill(first.id)}}"`],
  ["any 431 Request headers are too large.", "both", `-H "Long: $(printf '%017000d' 0)" ${list}`],
  ["getCustomer 500 Internal server error.", "broken", one],
  [
    "createCustomer 503 Service temporarily unavailable.",
    "unavailable",
    create('{"email": "new@sandbox.example"}'),
  ],
];

/** The keys as lines of text, each with what it is for. */
export const keyList: string = Object.values(sandboxKeys)
  .map(({ key, meaning }) => `  ${key}  ${meaning}\n`)
  .join("");

/** @param origin where the sandbox is, as in `http://127.0.0.1:3000` */
export function startPage(origin: string): string {
  const keys = Object.values(sandboxKeys).map(
    ({ key, meaning }) => `<dt><code>${escaped(key)}</code>\n<dd>${escaped(meaning)}`,
  );
  const blocks = tries.map(([answer, key, curl]) => {
    const authorization = key ? `-H "Authorization: Bearer ${sandboxKeys[key].key}" \\\n  ` : "";
    const command = `curl -i ${authorization}${curl}`;
    return `<h3>${escaped(answer)}</h3>\n<pre><code>${escaped(command.replaceAll("$API", `${origin}/api/v1`))}</code></pre>`;
  });
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sandbox of the ${escaped(contract.info.title)}</title>
<style>
  body { font: 1rem/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1b2430; background: #fff }
  pre { background: #f2f4f7; padding: .75rem; white-space: pre-wrap; overflow-wrap: anywhere; user-select: all }
  code { overflow-wrap: anywhere }
  dd { margin: 0 0 .5rem }
  h3 { font-size: 1rem; margin: 1.5rem 0 .25rem }
</style>
<main>
<h1>Sandbox of the ${escaped(contract.info.title)}</h1>
<p>Everything here is made up, the same at each start, and gone at the end: company <code>sandbox</code> with
${sandboxCustomers.sandbox.length} customers, and <code>another</code> with ${sandboxCustomers.another.length}. The
API is at <code>${escaped(origin)}/api/v1</code>, its <a href="/docs">documentation</a> at <code>/docs</code>.</p>
<h2>Keys</h2>
<dl>
${keys.join("\n")}
</dl>
<h2>Every answer</h2>
<p>One click selects a command; paste it into a shell, in any order. Only a 408 needs more than curl: a request that is begun and not ended within
10 seconds.</p>
${blocks.join("\n")}
</main>
</html>
`;
}

function escaped(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
