/** The script of the sandbox's page: runs requests, compares responses with the contract, and lists recent requests. */
import { expandZeros, formatRequest, type Language, type SampleRequest } from "./codeSamples.ts";
import type { Expectation, PageData } from "./page.ts";
import type { RecentRequest } from "./recentRequests.ts";

const data: PageData = JSON.parse(find("#data").textContent ?? "");
const keyPicker = find<HTMLSelectElement>("#key");
const languagePicker = find<HTMLSelectElement>("#language");
const api = location.origin + data.basePath;
const rows = [...document.querySelectorAll<HTMLElement>(".request")];

/** A response as the page received it. */
interface Received {
  status: number;
  headers: [string, string][];
  body: string;
  milliseconds: number;
}

function find<Found extends HTMLElement>(selector: string, within: ParentNode = document): Found {
  return within.querySelector(selector) as Found;
}

function create<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  properties: Partial<HTMLElementTagNameMap[Name]>,
  ...children: (Node | string)[]
): HTMLElementTagNameMap[Name] {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

function createBadge(status: number): HTMLElement {
  return create("span", { className: `badge s${String(status)[0]}`, textContent: String(status) });
}

/** Returns the request with the selected key or, if none is selected, with its own. */
function withKey(request: SampleRequest, own: string | null): SampleRequest {
  const name = keyPicker.value || own;
  const key = name === null ? undefined : data.keys[name];
  if (key === undefined) return request;
  return { ...request, headers: { Authorization: `Bearer ${key}`, ...request.headers } };
}

async function send({ method, path, headers, body, times = 1 }: SampleRequest): Promise<Received> {
  const expanded = Object.entries(headers).map(([name, value]): [string, string] => [
    name,
    expandZeros(value),
  ]);
  let received: Received | undefined;
  for (let time = 1; time <= times; time++) {
    const sentAt = performance.now();
    const response = await fetch(api + expandZeros(path), {
      method,
      headers: expanded,
      ...(body !== undefined && { body: expandZeros(body) }),
      cache: "no-store",
      credentials: "omit",
    });
    const text = await response.text();
    const milliseconds = performance.now() - sentAt;
    received = { status: response.status, headers: [...response.headers], body: text, milliseconds };
  }
  return received as Received;
}

function parseJson(text: string): { error?: string; field?: string } | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Finds the first difference between a response and its description; undefined if it conforms. */
function findDifference({ status, headers, body }: Received, expected: Expectation): string | undefined {
  if (status !== expected.status) return `the status is ${status}`;
  const error = status >= 400 ? parseJson(body)?.error : undefined;
  if (error !== expected.error) return `the error message is ${JSON.stringify(error)}`;
  const names = headers.map(([name]) => name);
  const missing = expected.headers.find((name) => !names.includes(name.toLowerCase()));
  return missing && `the header ${missing} is missing`;
}

/** Finds the contract's description of a response by its status and error message, if no row expects the response. */
function findDescribed(request: SampleRequest, received: Received): Expectation | undefined {
  const path = data.basePath + (expandZeros(request.path).split("?")[0] as string);
  const method = request.method === "HEAD" ? "GET" : request.method;
  const operation = data.described.find(
    (entry) => entry.method === method && new RegExp(entry.path).test(path),
  );
  const any = data.described.find((entry) => entry.operation === "any");
  const responses = [...(operation?.responses ?? []), ...(any?.responses ?? [])];
  const error = request.method === "HEAD" ? undefined : parseJson(received.body)?.error;
  const candidates = responses.filter(({ status }) => status === received.status);
  return candidates.find((response) => response.error === error) ?? candidates[0];
}

/**
 * Sends a request, and shows the response beside its description in the contract.
 * @param expected the expected response; if absent, the description of the received response is looked up
 * @returns whether the response conforms
 */
async function run(place: HTMLElement, request: SampleRequest, expected?: Expectation): Promise<boolean> {
  place.hidden = false;
  place.replaceChildren(create("p", { textContent: "Sending…" }));
  let received: Received;
  try {
    received = await send(request);
  } catch (error) {
    place.replaceChildren(
      create("p", { className: "verdict differs", textContent: `No response: ${error}` }),
    );
    return false;
  }
  const described = expected ?? findDescribed(request, received);
  const difference = described ? findDifference(received, described) : `it has no status ${received.status}`;
  place.replaceChildren(showResponse(received), showContract(described, difference));
  return difference === undefined;
}

function showResponse({ status, headers, body, milliseconds }: Received): HTMLElement {
  const json = parseJson(body);
  const text = json === undefined ? body || "(no body)" : JSON.stringify(json, null, 2);
  const list = create("dl", {});
  for (const [name, value] of headers) list.append(create("dt", {}, name), create("dd", {}, value));
  const content = create("pre", { tabIndex: 0 }, create("code", { textContent: text }));
  content.setAttribute("role", "group");
  content.setAttribute("aria-label", "Body of the response");
  return create(
    "div",
    { className: "response" },
    create("h4", {}, "Response ", createBadge(status), ` ${Math.round(milliseconds)} ms`),
    create("details", {}, create("summary", {}, `${headers.length} headers`), list),
    content,
  );
}

function showContract(expected: Expectation | undefined, difference: string | undefined): HTMLElement {
  const verdict = difference === undefined ? "Conforms to the contract" : `Differs: ${difference}`;
  const place = create("div", { className: "contract" }, create("h4", {}, "The contract"));
  if (expected) {
    place.append(create("p", {}, createBadge(expected.status), ` ${expected.error ?? ""}`));
    if (expected.field !== undefined)
      place.append(create("p", {}, "field in the example: ", create("code", {}, expected.field)));
    place.append(create("p", { textContent: expected.description }));
    place.append(create("p", {}, create("small", {}, `Always with ${expected.headers.join(", ")}.`)));
  }
  const className = `verdict ${difference === undefined ? "conforms" : "differs"}`;
  place.append(create("p", { className, role: "status" }, verdict));
  return place;
}

/** Runs the request of a row. If a key is selected, any response that the contract describes is accepted. */
function runRow(index: number): Promise<boolean> {
  const { request, key, expected } = data.requests[index] as PageData["requests"][number];
  const isOwnKey = keyPicker.value === "" || keyPicker.value === key;
  const place = find(".result", rows[index]);
  return run(place, withKey(request, key), isOwnKey ? expected : undefined);
}

function showCode(): void {
  for (const [index, row] of rows.entries()) {
    const { request, key } = data.requests[index] as PageData["requests"][number];
    const language = languagePicker.value as Language;
    find("pre code", row).textContent = formatRequest(language, api, withKey(request, key));
  }
}

async function copy(button: HTMLElement, text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    // Forbidden, or absent because the page is neither on this machine nor on HTTPS.
    button.textContent = "Select the code and copy it";
  }
  setTimeout(() => (button.textContent = "Copy"), 2_000);
}

function listRecent(): void {
  const list = find<HTMLOListElement>("#recent");
  new EventSource("/sandbox/requests").addEventListener("message", ({ data: text }) => {
    const { method, target, status, milliseconds, key, at }: RecentRequest = JSON.parse(text);
    find("#recent-empty").hidden = true;
    const time = new Date(at).toLocaleTimeString(undefined, { hour12: false });
    list.prepend(
      create(
        "li",
        {},
        create("p", {}, createBadge(status), create("code", {}, `${method} ${target}`)),
        create("small", {}, `${time}, ${milliseconds} ms, ${key}`),
      ),
    );
    if (list.children.length > 50) list.lastElementChild?.remove();
  });
}

for (const [index, row] of rows.entries()) {
  find(".run", row).addEventListener("click", () => void runRow(index));
  const copyButton = find(".copy", row);
  copyButton.addEventListener("click", () => void copy(copyButton, find("pre code", row).textContent ?? ""));
}
for (const picker of [keyPicker, languagePicker]) picker.addEventListener("change", showCode);
find("#run-all").addEventListener("click", async () => {
  const progress = find("#progress");
  let conforming = 0;
  for (const index of rows.keys()) {
    progress.textContent = `${index + 1} of ${rows.length}…`;
    if (await runRow(index)) conforming++;
  }
  progress.textContent = `${conforming} of ${rows.length} conform`;
});
const own = find<HTMLFormElement>(".own");
own.addEventListener("submit", (event) => {
  event.preventDefault();
  const { method, path, body } = Object.fromEntries(new FormData(own)) as Record<string, string>;
  const hasBody = method === "POST" || method === "PATCH";
  const request = {
    method: String(method),
    path: String(path),
    headers: hasBody ? { "Content-Type": "application/json" } : {},
    ...(hasBody && body !== undefined && { body }),
  };
  void run(find(".result", find("#own")), withKey(request, "both"));
});
/** A link into a closed group opens it. */
function openGroup(): void {
  const group = location.hash.length > 1 ? document.getElementById(location.hash.slice(1)) : null;
  if (group instanceof HTMLDetailsElement) group.open = true;
}
addEventListener("hashchange", openGroup);
// On a phone, the page starts as a list of operations.
if (matchMedia("(max-width: 700px)").matches)
  for (const group of document.querySelectorAll<HTMLDetailsElement>(".group")) group.open = false;
openGroup();
for (const hidden of document.querySelectorAll<HTMLElement>(".controls, .run, .copy, #own, aside"))
  hidden.hidden = false;
showCode();
listRecent();
