/** Verifies, before anything is timed, that the responses of all servers conform to the contract and are the same. */

import { formatReport } from "../../server/checkedFetch.ts";
import { basePath } from "../../server/contract.ts";
import { findDifferences, type ObservedResponse } from "../../server/contractCheck.ts";
import type { BenchData } from "./data.ts";
import { type BenchServer, requestsPerMinute } from "./servers.ts";

interface CheckedRequest {
  status: number;
  method?: string;
  target: string;
  key?: string;
  body?: unknown;
}

function buildRequests({ key, readKey, ids, foreignId }: BenchData): Record<string, CheckedRequest> {
  const customers = `${basePath}/customers`;
  const one = `${customers}/${ids[10]}`;
  const method = "POST";
  return {
    get: { status: 200, target: one, key },
    list: { status: 200, target: `${customers}?limit=50`, key },
    "list after a cursor": { status: 200, target: `${customers}?limit=50&cursor=${ids[70]}`, key },
    "last page": { status: 200, target: `${customers}?cursor=${ids[20]}`, key },
    "list of blocked": { status: 200, target: `${customers}?status=BLOCKED`, key },
    search: { status: 200, target: `${customers}?search=BAKERY`, key },
    "search that finds nothing": { status: 200, target: `${customers}?search=100%25`, key },
    create: {
      status: 201,
      method,
      target: customers,
      key,
      body: { email: "New@Customer.example", name: "Neu", creditLimit: 12.5 },
    },
    "create with only an email": {
      status: 201,
      method,
      target: customers,
      key,
      body: { email: "a@b.example" },
    },
    update: {
      status: 200,
      method: "PATCH",
      target: one,
      key,
      body: { name: null, creditLimit: 7500.5, status: "BLOCKED" },
    },
    "update of nothing": { status: 200, method: "PATCH", target: `${customers}/${ids[11]}`, key, body: {} },
    "no key": { status: 401, target: one },
    "wrong key": { status: 401, target: one, key: `dk_${"x".repeat(43)}` },
    "no scope": { status: 403, method: "PATCH", target: one, key: readKey, body: {} },
    "no such path": { status: 404, target: "/nowhere", key },
    "no such customer": { status: 404, target: `${customers}/${foreignId}`, key },
    "update of no customer": { status: 404, method: "PATCH", target: `${customers}/x`, key, body: {} },
    "email taken": { status: 409, method, target: customers, key, body: { email: "NEW@customer.example" } },
    "too large": { status: 413, method, target: customers, key, body: { notes: "x".repeat(70_000) } },
    "wrong limit": { status: 400, target: `${customers}?limit=many`, key },
    "wrong cursor": { status: 400, target: `${customers}?cursor=0`, key },
    "wrong email": { status: 400, method, target: customers, key, body: { email: "x@y" } },
    "no email": { status: 400, method, target: customers, key, body: {} },
    "wrong status": { status: 400, method: "PATCH", target: one, key, body: { status: "GONE" } },
    "no object": { status: 400, method, target: customers, key, body: [] },
  };
}

async function send(port: number, request: CheckedRequest): Promise<ObservedResponse> {
  const { method = "GET", target, key, body } = request;
  const response = await fetch(`http://127.0.0.1:${port}${target}`, {
    method,
    headers: {
      ...(key !== undefined && { Authorization: `Bearer ${key}` }),
      ...(body !== undefined && { "Content-Type": "application/json" }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const headers = Object.fromEntries(response.headers);
  // Express and Fastify add the charset that JSON always has (RFC 8259, section 8.1).
  if (headers["content-type"] === "application/json; charset=utf-8")
    headers["content-type"] = "application/json";
  return { method, target, status: response.status, headers, body: await response.text() };
}

/** Formats a response for comparison, without values that differ between servers: new IDs and times of writes. */
function toComparable(server: BenchServer, { method, status, headers, body }: ObservedResponse): string {
  const {
    "x-request-id": _id,
    "ratelimit-limit": limit = server.name === "unlimited" ? requestsPerMinute : undefined,
    "ratelimit-remaining": _remaining,
    "ratelimit-reset": _reset,
    date: _date,
    "keep-alive": _keepAlive,
    connection: _connection,
    ...rest
  } = headers;
  // Some references validate a request before they check its key.
  const compared = status < 400 ? { ...rest, limit } : rest;
  let text = JSON.stringify([status, Object.entries(compared).sort(), body]);
  if (method !== "GET" && status < 300) {
    text = text.replace(/("etag",")[^,]*"/, "$1...").replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, "<id>");
    text = text.replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "<time>");
  }
  return text;
}

/**
 * Compares the responses of all servers. Returns how many requests each was sent.
 * @throws {Error} with every difference from the contract, and from the responses of the first server
 */
export async function compareResponses(servers: BenchServer[], data: BenchData): Promise<number> {
  const requests = buildRequests(data);
  const problems: string[] = [];
  const firstResponses = new Map<string, string>();
  for (const server of servers) {
    const { name, port } = server;
    for (const [title, request] of Object.entries(requests)) {
      const response = await send(port, request);
      const differences = findDifferences(response);
      if (response.status !== request.status)
        differences.unshift({
          where: "status",
          contract: String(request.status),
          response: String(response.status),
        });
      if (differences.length > 0) problems.push(`${name}, ${title}: ${formatReport(response, differences)}`);
      const text = toComparable(server, response);
      const first = firstResponses.get(title) ?? text;
      firstResponses.set(title, first);
      if (text !== first)
        problems.push(`${name}, ${title}: differs from ${servers[0]?.name}\n- ${first}\n+ ${text}`);
    }
  }
  if (problems.length > 0) throw new Error(problems.join("\n"));
  return Object.keys(requests).length;
}
