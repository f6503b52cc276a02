/**
 * Sends every request of a test file through Prism's validating proxy, and fails the file if a response, or a request
 * that the server accepted, does not conform to the contract.
 *
 * Prism parses and re-serializes bodies, which would change bytes, duplicate names and lengths in both directions. So its
 * upstream is a relay that sends the original request, and the test gets the original response; Prism only validates
 * both. Requests that it cannot read at all (with a body that is not JSON) are sent to it without the body.
 *
 * Not validated: bytes that tests write to raw sockets, which Prism would have to parse first; and HEAD, OPTIONS, unknown
 * paths and wrong methods, for which OpenAPI has no operation.
 */
import { appendFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, expect } from "vitest";
import { basePath } from "../../server/contract.ts";
import { findRequestViolations, startProxy } from "./prism.ts";

/** A request on its way through Prism. */
interface Passage {
  request: Request;
  /** Whether Prism has forwarded it to the relay. */
  arrived: boolean;
  response?: Response;
  error?: unknown;
}

/** An entry of Prism's `sl-violations` header. */
interface Violation {
  /** `request` or `response`, followed by the location in it. */
  location: string[];
  message: string;
}

const passageHeader = "x-passage";
const directFetch = globalThis.fetch;
const passages = new Map<string, Passage>();
let sent = 0;
const counts = { validated: 0, skipped: 0 };
const violations: string[] = [];

const relay = createServer(async (incoming, outgoing) => {
  const passage = passages.get(String(incoming.headers[passageHeader])) as Passage;
  passage.arrived = true;
  // Prism forwards the original Content-Length with a re-serialized body.
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
  let validated = await passThroughPrism(id, request, body);
  if (!passage.arrived) validated = await passThroughPrism(id, request);
  passages.delete(id);
  if (passage.error) throw passage.error;
  if (!passage.response) throw new Error(`Prism did not pass on ${request.method} ${request.url}`);
  await record(passage.response, validated, request, body);
  return passage.response;
};

/** Sends a request to Prism. Returns Prism's response, with its findings; the relay handles what Prism forwards. */
async function passThroughPrism(id: string, { method, url, headers }: Request, body?: Buffer) {
  const { pathname, search } = new URL(url);
  const response = await directFetch(proxyUrl + pathname.slice(basePath.length) + search, {
    method,
    headers: [...headers, [passageHeader, id]],
    redirect: "manual",
    ...(body?.length && { body: new Uint8Array(body) }),
  });
  await response.arrayBuffer();
  return response;
}

/** Counts a response, and records the violations that Prism found. */
async function record(response: Response, validated: Response, request: Request, body: Buffer) {
  const { pathname, search } = new URL(request.url);
  const found: Violation[] = JSON.parse(validated.headers.get("sl-violations") ?? "[]");
  if (request.method === "HEAD" || found.some(({ message }) => message === "Selected route not found")) {
    counts.skipped++;
    return;
  }
  counts.validated++;
  const messages = found.filter(({ location }) => location[0] === "response").map(({ message }) => message);
  if (validated.status !== response.status) messages.push("Prism could not read the response");
  const isAccepted = response.status < 400;
  if (isAccepted) {
    messages.push(...(await findRequestViolations(request, pathname.slice(basePath.length), body)));
  }
  for (const message of messages) {
    violations.push(`${request.method} ${pathname}${search}, status ${response.status}: ${message}`);
  }
}

afterAll(async () => {
  await proxy.close();
  relay.close();
  const { PRISM_COUNTS_FILE: file } = process.env;
  if (file) appendFileSync(file, `${JSON.stringify({ ...counts, violations })}\n`);
  expect(violations).toEqual([]);
});
