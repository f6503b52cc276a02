/** The page of the sandbox: its keys, and a request for each status and error message of the contract. */
import { basePath, contract, operations } from "../contract.ts";
import { findResponses } from "../contractCheck.ts";
import { formatRequest, languages, type SampleRequest } from "./codeSamples.ts";
import { sandboxCustomers, sandboxKeys } from "./data.ts";
import { type SandboxRequest, sandboxRequests } from "./requests.ts";

/** A response as the contract describes it. */
export interface Expectation {
  status: number;
  /** Absent if the response is not an error. */
  error?: string;
  field?: string;
  description: string;
  /** The headers that every such response has. */
  headers: string[];
}

/** What the page's script reads. */
export interface PageData {
  basePath: string;
  keys: Record<string, string>;
  /** In the order in which the page shows them. */
  requests: { request: SampleRequest; key: string | null; expected: Expectation }[];
  /** Every response of the contract, by operation; `path` is a regular expression, and `any` is any request. */
  described: { operation: string; method: string; path: string; responses: Expectation[] }[];
}

const title = `${contract.info.title}: sandbox`;

/** Formats the keys as lines of text, each with its meaning. */
export const keyList: string = Object.values(sandboxKeys)
  .map(({ key, meaning }) => `  ${key}  ${meaning}\n`)
  .join("");

/** The content security policy: the page runs only its own scripts and connects only to its own server. */
export const pagePolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join("; ");

const groups = [...operations.map(({ operationId }) => operationId), "any"];

/** The requests by operation, in the order of the contract. */
const grouped = groups.map((id) => ({
  id,
  requests: sandboxRequests.filter(({ response }) => response.startsWith(`${id} `)),
}));

const described: PageData["described"] = [...operations, undefined].map((operation) => ({
  operation: operation?.operationId ?? "any",
  method: operation?.method ?? "",
  path: operation?.path.source ?? "",
  responses: Object.entries(findResponses(operation)).flatMap(([status, response]) =>
    describe(Number(status), response),
  ),
}));

/** Returns one expectation per error message of a response, or a single one if it has none. */
// biome-ignore lint/suspicious/noExplicitAny: a part of the contract
function describe(status: number, { description, headers = {}, content }: any): Expectation[] {
  const required = Object.entries<{ required?: boolean }>(headers)
    .filter(([, header]) => header.required)
    .map(([name]) => name);
  const common = { status, description: description.trim(), headers: required };
  if (status < 400) return [common];
  const examples = Object.values<{ value: { error: string; field?: string } }>(
    content["application/json"].examples,
  );
  return examples.map(({ value: { error, field } }) => ({
    ...common,
    error,
    ...(field !== undefined && { field }),
  }));
}

/** Splits the name of a response: `listCustomers 200 (a page)`. */
function parseName(name: string) {
  const [, operation, status, error, remark] = /^(\w+) (\d+)(?: ([^(]+?))?(?: \((.+)\))?$/.exec(name) ?? [];
  return { operation, status: Number(status), error, remark };
}

function findExpectation(name: string): Expectation {
  const { operation, status, error } = parseName(name);
  const found = described
    .find((entry) => entry.operation === operation)
    ?.responses.find((response) => response.status === status && response.error === error);
  if (!found) throw new Error(`The contract has no response ${name}`);
  return found;
}

const data: PageData = {
  basePath,
  keys: Object.fromEntries(Object.entries(sandboxKeys).map(([name, { key }]) => [name, key])),
  requests: grouped.flatMap(({ requests }) =>
    requests.map(({ response, key = null, ...request }) => ({
      request,
      key,
      expected: findExpectation(response),
    })),
  ),
  described,
};

/** @param origin of the sandbox, for example `http://127.0.0.1:3000` */
export function createPage(origin: string): string {
  const keys = Object.entries(sandboxKeys);
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(title)}</title>
<link rel="icon" href="${icon}">
<link rel="stylesheet" href="/sandbox/page.css">
<script type="module" src="/sandbox/pageScript.js"></script>
<script type="application/json" id="data">${JSON.stringify(data).replaceAll("<", "\\u003c")}</script>
<a class="skip" href="#requests">Skip to the requests</a>
<header>
<h1><strong>Distribu</strong> Sandbox</h1>
<p>A server with ${sandboxCustomers.sandbox.length + sandboxCustomers.another.length} made-up customers of two companies:
the same at each start, and gone when it stops. The API is at <code>${escapeHtml(origin + basePath)}</code>.
<a href="/docs">Documentation</a></p>
<div class="controls" role="group" aria-label="Settings" hidden>
<label>Key <select id="key">
<option value="">each request's own</option>
${keys.map(([name, { meaning }]) => `<option value="${name}">${name}: ${escapeHtml(meaning)}</option>`).join("\n")}
<option value="none">no key</option>
</select></label>
<label>Code <select id="language">
${languages.map((language) => `<option>${language}</option>`).join("\n")}
</select></label>
<button type="button" id="run-all">Run all</button>
<output id="progress"></output>
</div>
</header>
<nav aria-label="Operations"><ul>
${grouped.map(({ id, requests }) => `<li><a href="#${id}">${escapeHtml(findSummary(id))}</a> <small>${requests.length}</small>`).join("\n")}
<li><a href="#keys">Keys</a> <small>${keys.length}</small>
</ul></nav>
<main id="requests">
<section id="own" aria-labelledby="own-title" hidden>
<h2 id="own-title">Your own request</h2>
<form class="own">
<label>Method <select name="method">${["GET", "POST", "PATCH", "HEAD", "OPTIONS", "DELETE"].map((method) => `<option>${method}</option>`).join("")}</select></label>
<label class="wide">Path below ${basePath} <input name="path" value="/customers?limit=2" spellcheck="false" autocomplete="off"></label>
<label class="wide body">JSON body of POST and PATCH <textarea name="body" rows="3" spellcheck="false">{"email": "buyer@bakery.example"}</textarea></label>
<button>Run</button>
</form>
<div class="result" hidden></div>
</section>
${grouped.map((group) => formatGroup(group, origin + basePath)).join("\n")}
<details class="group" id="keys" open>
<summary><h2>Keys</h2> <small>${keys.length} keys</small></summary>
<dl>
${keys.map(([, { key, meaning }]) => `<dt><code>${key}</code>\n<dd>${escapeHtml(meaning)}`).join("\n")}
</dl>
<p>No request here gets the 408: it requires headers that take more than 10 seconds to arrive.</p>
</details>
</main>
<aside aria-labelledby="recent-title" hidden>
<h2 id="recent-title">Recent requests</h2>
<p id="recent-empty">None yet. Requests from other programs, such as curl, appear here too.</p>
<ol id="recent" tabindex="0" aria-labelledby="recent-title"></ol>
</aside>
</html>
`;
}

/** Returns the contract's summary of an operation. */
function findSummary(id: string): string {
  const operation = operations.find(({ operationId }) => operationId === id);
  if (!operation) return "Any path";
  return contract.paths[operation.template][operation.method.toLowerCase()].summary;
}

function formatGroup({ id, requests }: (typeof grouped)[number], api: string): string {
  const operation = operations.find(({ operationId }) => operationId === id);
  const target = operation ? ` <code>${operation.method} ${escapeHtml(operation.template)}</code>` : "";
  return `<details class="group" id="${id}" open>
<summary><h2>${escapeHtml(findSummary(id))}</h2>${target} <small>${requests.length} requests</small></summary>
${requests.map((request) => formatRow(request, api)).join("\n")}
</details>`;
}

function formatRow({ response, key, ...request }: SandboxRequest, api: string): string {
  const { status, error, remark } = parseName(response);
  const text = [error, remark].filter(Boolean).join(" – ") || "success";
  const name = text.charAt(0).toUpperCase() + text.slice(1);
  const authorized = addKey(request, key === undefined ? undefined : sandboxKeys[key].key);
  const code = formatRequest("curl", api, authorized);
  return `<article class="request" data-response="${escapeHtml(response)}">
<h3><span class="badge s${String(status)[0]}">${status}</span> <span>${escapeHtml(name)}</span></h3>
<p class="target"><code>${request.method} ${escapeHtml(request.path)}</code> <small>key: ${key ?? "none"}</small></p>
<button type="button" class="run" aria-label="${escapeHtml(`Run: ${response}`)}" hidden>Run</button>
<details class="code"><summary>Code</summary>
<pre><code>${escapeHtml(code)}</code></pre>
<button type="button" class="copy" hidden>Copy</button>
</details>
<div class="result" hidden></div>
</article>`;
}

/** Adds a key to the headers of a request. */
function addKey(request: SampleRequest, key: string | undefined): SampleRequest {
  if (key === undefined) return request;
  return { ...request, headers: { Authorization: `Bearer ${key}`, ...request.headers } };
}

const icon = `data:image/svg+xml,${encodeURIComponent(
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="16" height="16" rx="3" fill="#0b6e63"/><path d="M5 3h3a5 5 0 0 1 0 10H5z" fill="none" stroke="#fff" stroke-width="2"/></svg>',
)}`;

function escapeHtml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
