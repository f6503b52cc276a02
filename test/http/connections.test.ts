import { once } from "node:events";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ObservedResponse } from "../../server/contractCheck.ts";
import { buildRequestBytes, exchangeBytes, parseResponses } from "../support/rawHttp.ts";
import { startServer, type TestServer } from "../support/server.ts";

let server: TestServer;
let key: string;
let readerKey: string;
beforeAll(async () => {
  server = await startServer();
  key = await server.createKey();
  readerKey = await server.createKey({ scopes: ["customers:read"] });
});
afterAll(() => server.stop());

const list = "/api/v1/customers";
const malformed = { error: "Malformed request." };
const json = { "Content-Type": "application/json" };
const bearer = (token = key) => ({ Authorization: `Bearer ${token}` });

/** Status and body of each response. */
const summarize = (responses: ObservedResponse[]) =>
  responses.map(({ status, body }) => [status, body === "" ? undefined : JSON.parse(body)]);

it.each([
  ["a request line of one word", "HELLO\r\n\r\n"],
  ["no version", `GET ${list}\r\n\r\n`],
  ["another protocol", `GET ${list} HTCPCP/1.0\r\n\r\n`],
  ["an unknown version", `GET ${list} HTTP/9.9\r\nHost: x\r\n\r\n`],
  ["an unknown method", `FETCH ${list} HTTP/1.1\r\nHost: x\r\n\r\n`],
  ["a method in lower case", `get ${list} HTTP/1.1\r\nHost: x\r\n\r\n`],
  ["a space in the path", `GET ${list} x HTTP/1.1\r\nHost: x\r\n\r\n`],
  ["a header without a colon", `GET ${list} HTTP/1.1\r\nHost x\r\n\r\n`],
  ["a space before the colon", `GET ${list} HTTP/1.1\r\nHost : x\r\n\r\n`],
  ["U+0000 in a header", `GET ${list} HTTP/1.1\r\nHost: x\r\nX-Request-Id: a\0b\r\n\r\n`],
  ["two hosts", `GET ${list} HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n`],
  ["two hosts, one in another spelling", `GET ${list} HTTP/1.1\r\nHost: x\r\nhOsT: x\r\n\r\n`],
  ["a TLS greeting", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"],
  ["a Content-Length that is no number", `POST ${list} HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n`],
  ["a negative Content-Length", `POST ${list} HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n`],
  ["two lengths", `POST ${list} HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n`],
  [
    "both Content-Length and Transfer-Encoding",
    `POST ${list} HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  ],
  [
    "chunked not as the last encoding",
    `POST ${list} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n`,
  ],
])("HTTP parser: %s → 400 in JSON", async (_fault, text) => {
  const responses = await server.exchange(Buffer.from(text, "latin1"), { method: "GET", target: list });
  expect(summarize(responses)).toEqual([[400, malformed]]);
  expect(responses[0]?.headers.connection).toBe("close");
});

it("HTTP parser: invalid chunk within a body → 400", async () => {
  const head = buildRequestBytes(`POST ${list}`, { ...bearer(), ...json, "Transfer-Encoding": "chunked" });
  const responses = await server.exchange(Buffer.concat([head, Buffer.from('5\r\n{"ema\r\nzz\r\n')]));
  expect(summarize(responses)).toEqual([[400, malformed]]);
});

it("request body: more than 2,000 chunks of a byte → 400", async () => {
  const head = buildRequestBytes(`POST ${list}`, { ...bearer(), ...json, "Transfer-Encoding": "chunked" });
  const send = (chunks: number) =>
    server.exchange(Buffer.concat([head, Buffer.from(`${"1\r\n \r\n".repeat(chunks)}2\r\n{}\r\n0\r\n\r\n`)]));
  expect(summarize(await send(1_990))).toEqual([[400, { error: "Email is required.", field: "email" }]]);
  expect(summarize(await send(2_100))).toEqual([[400, malformed]]);
  expect(summarize(await send(65_000))).toEqual([[400, malformed]]);
});

it("line breaks between requests: skipped; more than 128 KiB → closed", async () => {
  const get = buildRequestBytes(`GET ${list}`, bearer());
  expect((await server.exchange(Buffer.concat([Buffer.from("\r\n".repeat(1_000)), get])))[0]?.status).toBe(
    200,
  );
  const socket = connect(server.port, "127.0.0.1", () => socket.write("\r\n".repeat(300_000)));
  let received = "";
  socket.on("data", (chunk) => (received += chunk));
  // The connection is reset if the server has not read everything.
  socket.on("error", () => {});
  await new Promise((resolve) => socket.once("close", resolve));
  expect(received).toBe("");
});

it("HTTP parser: invalid bytes after two valid requests → 200, 200, 400", async () => {
  const good = buildRequestBytes(`GET ${list}`, { ...bearer(), Connection: "keep-alive" });
  const responses = await server.exchange(Buffer.concat([good, good, Buffer.from("nonsense\r\n\r\n")]));
  expect(responses.map(({ status }) => status)).toEqual([200, 200, 400]);
});

it("Host: missing → 400, before the path is checked", async () => {
  for (const path of [list, "/nowhere", "/docs"]) {
    const bytes = `GET ${path} HTTP/1.1\r\nConnection: close\r\n\r\n`;
    expect(summarize(await server.exchange(bytes, { target: "/unknown" }))).toEqual([[400, malformed]]);
  }
});

it("Host: missing in HTTP/1.0 → 200", async () => {
  const bytes = `GET ${list} HTTP/1.0\r\nAuthorization: Bearer ${key}\r\n\r\n`;
  expect((await server.exchange(bytes))[0]?.status).toBe(200);
});

it.each([
  ["one long value", { "X-Long": "x".repeat(17_000) }, ""],
  ["many short ones", Object.fromEntries(Array.from({ length: 2_000 }, (_, n) => [`X-${n}`, "value"])), ""],
  ["a long target", {}, `?search=${"x".repeat(17_000)}`],
])("request headers: over 16 KiB, %s → 431", async (_form, headers, query) => {
  const bytes = buildRequestBytes(`GET ${list}${query}`, { ...headers, ...bearer() });
  expect(summarize(await server.exchange(bytes, { target: list }))).toEqual([
    [431, { error: "Request headers are too large." }],
  ]);
});

it("request headers: 15 KiB → 200", async () => {
  const [response] = await server.exchange(
    buildRequestBytes(`GET ${list}`, { "X-Long": "x".repeat(15_000), ...bearer() }),
  );
  expect(response?.status).toBe(200);
});

it("method: TRACE → 405, CONNECT → 404, both in JSON", async () => {
  expect(summarize(await server.exchange(buildRequestBytes(`TRACE ${list}`)))).toEqual([
    [405, { error: "Method not allowed." }],
  ]);
  expect(summarize(await server.exchange(buildRequestBytes("CONNECT x:443")))).toEqual([
    [404, { error: "Not found." }],
  ]);
});

describe("CONNECT among pipelined requests", () => {
  const get = buildRequestBytes("GET /healthz", { Connection: "keep-alive" }).toString("latin1");
  const unauthorized = buildRequestBytes(`GET ${list}`, {
    ...bearer("dk_none"),
    Connection: "keep-alive",
  }).toString("latin1");
  const tunnel = buildRequestBytes("CONNECT a:1").toString("latin1");

  it.each([
    ["alone", [tunnel], [404]],
    ["after a request", [get, tunnel], [200, 404]],
    ["between requests", [get, unauthorized, tunnel, get], [200, 401, 404]],
    ["twice", [get, tunnel, tunnel], [200, 404]],
    ["before a request", [tunnel, get], [404]],
  ])("CONNECT: in one packet, %s → 404, the server keeps serving", async (_place, parts, statuses) => {
    const bytes = await exchangeBytes(server.port, parts.join(""));
    expect(parseResponses(bytes, "GET", "/").map(({ status }) => status)).toEqual(statuses);
    expect((await server.fetch("/healthz")).status).toBe(200);
  });
});

describe("many pipelined requests", () => {
  const get = (id: number) =>
    buildRequestBytes("GET /healthz", { Connection: "keep-alive", "X-Request-Id": `${id}` }).toString(
      "latin1",
    );

  it("pipelining: 600 requests in one packet → 600 responses in order", async () => {
    const ids = Array.from({ length: 599 }, (_, id) => id);
    const last = buildRequestBytes("GET /healthz", { "X-Request-Id": "599" }).toString("latin1");
    const bytes = await exchangeBytes(server.port, ids.map(get).join("") + last);
    const responses = parseResponses(bytes, "GET", "/healthz");
    expect(responses.map(({ headers }) => headers["x-request-id"])).toEqual([...ids, 599].map(String));
  });

  it("pipelining: 2,000 requests in one packet → connection closed, others served", async () => {
    const smallest = "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n";
    const bytes = await exchangeBytes(server.port, smallest.repeat(2_000));
    expect(bytes.toString("latin1").split("HTTP/1.1 ").length - 1).toBeLessThan(2_000);
    expect((await server.fetch("/healthz")).status).toBe(200);
  });
});

describe("header fields", () => {
  const fields = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, n) => [`X-${n}`, "1"]));

  it.each([
    [100, 200],
    [101, 431],
    [2_000, 431],
  ])("request headers: %i fields → %i", async (count, status) => {
    // Host, Connection and Authorization are three of them.
    const bytes = buildRequestBytes(`GET ${list}`, { ...fields(count - 3), ...bearer() });
    expect((await server.exchange(bytes, { target: list })).map((response) => response.status)).toEqual([
      status,
    ]);
  });

  it.each([98, 1_100])(
    "updateCustomer: stale If-Match after %i fields → never overwritten",
    async (count) => {
      const partner = await server.partner();
      const { body } = await partner.send("POST", "/customers", {
        email: "fields@x.example",
        name: "Before",
      });
      const path = `/customers/${body.data.id}`;
      const update = JSON.stringify({ name: "After" });
      const headers = {
        ...bearer(partner.key),
        ...json,
        "Content-Length": String(update.length),
        ...fields(count),
      };
      const bytes = buildRequestBytes(`PATCH /api/v1${path}`, { ...headers, "If-Match": '"stale"' }, update);
      expect((await server.exchange(bytes)).map(({ status }) => status)).toEqual([431]);
      expect((await partner.send("GET", path)).body.data.name).toBe("Before");
    },
  );
});

it("Upgrade: websocket → 200, no tunnel", async () => {
  const headers = { ...bearer(), Connection: "Upgrade, close", Upgrade: "websocket" };
  expect((await server.exchange(buildRequestBytes(`GET ${list}`, headers)))[0]?.status).toBe(200);
});

describe("rejected requests", () => {
  it("createCustomer: rejected, its body never arrives → 401 and 403 at once", async () => {
    const headers = { ...json, "Content-Length": "30" };
    expect((await server.exchange(buildRequestBytes(`POST ${list}`, headers)))[0]?.status).toBe(401);
    const forbidden = buildRequestBytes(`POST ${list}`, { ...headers, ...bearer(readerKey) });
    expect((await server.exchange(forbidden))[0]?.status).toBe(403);
  });

  const tenMegabytes = Buffer.alloc(10_000_000, " ");
  const hex = tenMegabytes.length.toString(16);
  const chunked = Buffer.concat([Buffer.from(`${hex}\r\n`), tenMegabytes, Buffer.from("\r\n0\r\n\r\n")]);

  it.each([
    ["declared, no key", 401, false, { "Content-Length": "10000000" }],
    ["chunked, no key", 401, false, { "Transfer-Encoding": "chunked" }],
    ["declared, a key", 413, true, { "Content-Length": "10000000" }],
    ["chunked, a key", 413, true, { "Transfer-Encoding": "chunked" }],
  ] as [string, number, boolean, Record<string, string>][])(
    "createCustomer: rejected while 10 MB arrive, %s → %i",
    async (_form, status, hasKey, headers) => {
      for (const connection of ["close", "keep-alive"]) {
        const head = buildRequestBytes(`POST ${list}`, {
          ...json,
          ...headers,
          ...(hasKey && bearer()),
          Connection: connection,
        });
        const body = headers["Content-Length"] ? tenMegabytes : chunked;
        // If the connection is kept alive, a request follows that closes it; it must be parsed correctly.
        const last = buildRequestBytes(`POST ${list}`, { ...bearer(), "Content-Type": "text/plain" });
        const responses = await server.exchange(
          Buffer.concat(connection === "close" ? [head, body] : [head, body, last]),
        );
        expect(responses.map((response) => response.status)).toEqual(
          connection === "close" ? [status] : [status, 415],
        );
      }
    },
  );
});

describe("connections", () => {
  it("keep-alive: after 200, 401 and 400 → the next request gets its response", async () => {
    const kept = { Connection: "keep-alive" };
    const responses = await server.exchange(
      Buffer.concat([
        buildRequestBytes(`GET ${list}`, { ...bearer(), ...kept }),
        buildRequestBytes(`GET ${list}`, kept),
        buildRequestBytes(`GET ${list}?page=1`, { ...bearer(), ...kept }),
        buildRequestBytes(`GET ${list}`, bearer()),
      ]),
    );
    expect(responses.map(({ status }) => status)).toEqual([200, 401, 400, 200]);
  });

  it("connection: closed by the client in the middle of a body → nothing is created", async () => {
    const socket = connect(server.port, "127.0.0.1");
    await once(socket, "connect");
    const head = buildRequestBytes(`POST ${list}`, { ...json, ...bearer(), "Content-Length": "30" });
    socket.end(Buffer.concat([head, Buffer.from('{"email":"cut@x.example"')]));
    await once(socket, "finish");
    socket.destroy();
    const found = await server.fetch("/api/v1/customers?search=cut@x", { key });
    expect((await found.json()).data).toEqual([]);
  });

  it("connection: reset by the client, also after CONNECT → the server keeps serving", async () => {
    for (const line of ["CONNECT x:443", `GET ${list}`, `POST ${list}`]) {
      const socket = connect(server.port, "127.0.0.1");
      await once(socket, "connect");
      socket.write(buildRequestBytes(line, { "Content-Length": "5" }), () => socket.resetAndDestroy());
      await once(socket, "close");
    }
    expect((await server.fetch("/healthz")).status).toBe(200);
  });
});
