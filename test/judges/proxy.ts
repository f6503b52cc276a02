/**
 * Sends every request of a test file through Prism's validating proxy, and fails the file where
 * Prism finds an answer, or a request that the server accepted, that is not as the contract says.
 *
 * Prism reads bodies and writes them anew, so bytes, duplicate names and lengths would not arrive
 * as the tests sent them, nor answers as the server gave them. So its upstream is a relay that
 * sends the request as it was, and the test gets the answer as it was; Prism gets both, and judges.
 * What it cannot read at all (a body that is not JSON) it is sent without the body.
 *
 * Not judged: what tests write to raw sockets, as Prism would have to parse it first; and HEAD,
 * OPTIONS, unknown paths and wrong methods, for which OpenAPI has no operation.
 */
import { appendFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, expect } from "vitest";
import { basePath } from "../../server/contract.ts";
import { requestViolations, startProxy } from "./prism.ts";

/** A request on its way through Prism. */
interface Passage {
  request: Request;
  /** Whether it came out on Prism's other side. */
  arrived: boolean;
  response?: Response;
  error?: unknown;
}

/** One entry of Prism's header `sl-violations`. */
interface Violation {
  /** `request` or `response`, and where in it. */
  location: string[];
  message: string;
}

const passageHeader = "x-passage";
const directFetch = globalThis.fetch;
const passages = new Map<string, Passage>();
let sent = 0;
const counts = { judged: 0, notJudged: 0 };
const violations: string[] = [];

const relay = createServer(async (incoming, outgoing) => {
  const passage = passages.get(String(incoming.headers[passageHeader])) as Passage;
  passage.arrived = true;
  // Prism forwards the length of the body that it got with the body that it wrote.
  outgoing.shouldKeepAlive = false;
  try {
    passage.response = await directFetch(passage.request);
    const body = Buffer.from(await passage.response.clone().arrayBuffer());
    outgoing.writeHead(passage.response.status, [...passage.response.headers].flat()).end(body);
  } catch (error) {
    passage.error = error;
    outgoing.destroy();
  }
});
await new Promise<void>((resolve) => relay.listen(0, "127.0.0.1", resolve));
const { proxy, url: proxyUrl } = await startProxy(
  `http://127.0.0.1:${(relay.address() as AddressInfo).port}`,
);

globalThis.fetch = async (input, init) => {
  const request = new Request(input, init);
  const { hostname, pathname } = new URL(request.url);
  if (hostname !== "127.0.0.1" || !pathname.startsWith(`${basePath}/`)) return directFetch(request);

  const body = Buffer.from(await request.clone().arrayBuffer());
  const passage: Passage = { request, arrived: false };
  const id = String(sent++);
  passages.set(id, passage);
  let judgement = await passThroughPrism(id, request, body);
  if (!passage.arrived) judgement = await passThroughPrism(id, request);
  passages.delete(id);
  if (passage.error) throw passage.error;
  if (!passage.response) throw new Error(`Prism did not pass on ${request.method} ${request.url}`);
  await record(passage.response, judgement, request, body);
  return passage.response;
};

/** What Prism answers, with its findings; what it forwards is up to the relay. */
async function passThroughPrism(id: string, { method, url, headers }: Request, body?: Buffer) {
  const { pathname, search } = new URL(url);
  const answer = await directFetch(proxyUrl + pathname.slice(basePath.length) + search, {
    method,
    headers: [...headers, [passageHeader, id]],
    redirect: "manual",
    ...(body?.length && { body: new Uint8Array(body) }),
  });
  await answer.arrayBuffer();
  return answer;
}

/** Counts an answer, and keeps what Prism has against it. */
async function record(response: Response, judgement: Response, request: Request, body: Buffer) {
  const { pathname, search } = new URL(request.url);
  const found: Violation[] = JSON.parse(judgement.headers.get("sl-violations") ?? "[]");
  if (request.method === "HEAD" || found.some(({ message }) => message === "Selected route not found")) {
    counts.notJudged++;
    return;
  }
  counts.judged++;
  const messages = found.filter(({ location }) => location[0] === "response").map(({ message }) => message);
  if (judgement.status !== response.status) messages.push("Prism could not read the answer");
  const isAccepted = response.status < 400;
  if (isAccepted) {
    messages.push(...(await requestViolations(request, pathname.slice(basePath.length), body)));
  }
  for (const message of messages) {
    violations.push(`${request.method} ${pathname}${search}, answered ${response.status}: ${message}`);
  }
}

afterAll(async () => {
  await proxy.close();
  relay.close();
  const { JUDGED_FILE } = process.env;
  if (JUDGED_FILE) appendFileSync(JUDGED_FILE, `${JSON.stringify({ ...counts, violations })}\n`);
  expect(violations).toEqual([]);
});
