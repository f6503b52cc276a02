/** The same server on both engines, with responses made comparable: random values and times are replaced. */
import { expect } from "vitest";
import type { ObservedResponse } from "../../server/contractCheck.ts";
import { createDatabase } from "../support/databases.ts";
import { buildRequestBytes } from "../support/rawHttp.ts";
import { startServer, type TestServer } from "../support/server.ts";

/** The keys on each engine: their companies and scopes. */
const keyOptions = {
  acme: { company: "acme" },
  colleague: { company: "acme" },
  other: { company: "other" },
  reader: { company: "acme", scopes: ["customers:read"] },
  writer: { company: "acme", scopes: ["customers:write"] },
  expired: { company: "acme", expiresAt: 1 },
} satisfies Record<string, Parameters<TestServer["createKey"]>[0]>;

/** A request; `<id 3>` and `<tag 3.0>` are placeholders for values that differ between the engines. */
export interface TraceRequest {
  method: string;
  /** Below `/api/v1`. */
  target: string;
  key: keyof typeof keyOptions | "unknown";
  headers?: Record<string, string>;
  body?: string | Buffer;
}

/** A server on one engine, and the values that placeholders stand for there. */
export interface Side {
  server: TestServer;
  drop(): Promise<void>;
  keys: Record<string, string>;
  /** IDs in order of first appearance: `<id 0>` is the first. */
  ids: string[];
  /** The entity tags and the times of each ID: `<tag 0.1>` and `<time 0.1>` are those after its first change. */
  tags: string[][];
  times: string[][];
}

export async function startSide(engine: string): Promise<Side> {
  const { url, drop } = await createDatabase(engine);
  const server = await startServer({ databaseUrl: url, requestsPerMinute: 1_000_000 });
  const keys: Record<string, string> = { unknown: "dk_unknown" };
  for (const [name, options] of Object.entries(keyOptions)) keys[name] = await server.createKey(options);
  return { server, drop, keys, ids: [], tags: [], times: [] };
}

const anyId = /[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/g;

/** Returns the index of a value in a list, and adds it if it is new. */
function findOrAdd(list: string[], value: string): number {
  return list.includes(value) ? list.indexOf(value) : list.push(value) - 1;
}

/** Sends a request to one engine's server; returns its response with placeholders for IDs, times, tags and counts. */
export async function exchangeMasked(
  side: Side,
  request: TraceRequest,
): Promise<Omit<ObservedResponse, "method" | "target">> {
  const { server, ids, tags, times } = side;
  const resolve = (text: string) =>
    text
      .replace(/<id (\d+)>/g, (name, id) => ids[id] ?? name)
      .replace(/<tag (\d+)\.(\d+)>/g, (name, id, change) => tags[id]?.[change] ?? name);
  const { method, target, key, body } = request;
  const given = Object.entries(request.headers ?? {}).map(([name, value]) => [name, resolve(value)]);
  const bytes = buildRequestBytes(
    `${method} /api/v1${resolve(target)}`,
    {
      Authorization: `Bearer ${side.keys[key]}`,
      ...(body !== undefined && {
        "Content-Type": "application/json",
        "Content-Length": String(Buffer.byteLength(body)),
      }),
      ...Object.fromEntries(given),
    },
    body,
  );
  const responses = await server.exchange(bytes);
  expect(responses).toHaveLength(1);
  const { status, headers, body: text } = responses[0] as ObservedResponse;

  const maskIds = (part: string) => part.replace(anyId, (id) => `<id ${findOrAdd(ids, id)}>`);
  const maskedBody = maskIds(text).replace(
    /"id":"<id (\d+)>"(.*?)"createdAt":"([^"]+)","updatedAt":"([^"]+)"/gs,
    (_all, id, between, createdAt, updatedAt) => {
      const known = (times[id] ??= []);
      const [created, updated] = [createdAt, updatedAt].map(
        (time) => `<time ${id}.${findOrAdd(known, time)}>`,
      );
      return `"id":"<id ${id}>"${between}"createdAt":"${created}","updatedAt":"${updated}"`;
    },
  );
  const id = Number(/<id (\d+)>/.exec(`${maskedBody} ${target}`)?.[1]);
  const masks: Record<string, (value: string) => string> = {
    date: () => "<date>",
    "x-request-id": (value) => (value === request.headers?.["X-Request-Id"] ? value : "<request id>"),
    "ratelimit-remaining": () => "<count>",
    "ratelimit-reset": () => "<seconds>",
    etag: (value) => `<tag ${id}.${findOrAdd((tags[id] ??= []), value)}>`,
    location: maskIds,
  };
  const maskedHeaders = Object.entries(headers).map(([name, value]) => [name, masks[name]?.(value) ?? value]);
  return { status, headers: Object.fromEntries(maskedHeaders), body: maskedBody };
}
