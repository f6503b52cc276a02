/** Requests whose length two servers could read differently: 400, the connection closed, and nothing changed. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Partner } from "../support/partner.ts";
import { startServer, type TestServer } from "../support/server.ts";

let server: TestServer;
let partner: Partner;
beforeAll(async () => {
  server = await startServer();
  partner = await server.partner();
});
afterAll(() => server.stop());

const list = "/api/v1/customers";

/** Builds a create that would succeed, were it not for these lines, which state the length of its body. */
const create = (lines: string, body: string, version = "1.1") =>
  `POST ${list} HTTP/${version}\r\nHost: x\r\nAuthorization: Bearer ${partner.key}\r\n` +
  `Content-Type: application/json\r\n${lines}\r\n\r\n${body}`;

const json = '{"email":"hidden@smuggled.example"}';
const chunk = `${json.length.toString(16)}\r\n${json}\r\n`;
const length = `Content-Length: ${json.length}`;
const chunked = "Transfer-Encoding: chunked";

/** Builds the request that another reading of the length finds behind the first: it must not be executed. */
const smuggled = () => create(length, json).replace("Host: x", "Host: x\r\nConnection: close");

// Two lengths, and a length beside an encoding, are in test/http/connections.test.ts.
const forms: [string, () => string][] = [
  ["an unknown coding", () => create("Transfer-Encoding: xchunked", `${chunk}0\r\n\r\n`)],
  ["the coding identity", () => create("Transfer-Encoding: identity", `${chunk}0\r\n\r\n`)],
  ["an empty coding", () => create("Transfer-Encoding:", `${chunk}0\r\n\r\n`)],
  ["an empty coding, and a length", () => create(`Transfer-Encoding:\r\n${length}`, json)],
  ["another coding before chunked", () => create("Transfer-Encoding: gzip, chunked", `${chunk}0\r\n\r\n`)],
  ["identity before chunked", () => create("Transfer-Encoding: identity, chunked", `${chunk}0\r\n\r\n`)],
  ["nothing before chunked", () => create("Transfer-Encoding: , chunked", `${chunk}0\r\n\r\n`)],
  ["chunked in quotes", () => create('Transfer-Encoding: "chunked"', `${chunk}0\r\n\r\n`)],
  ["chunked with a parameter", () => create("Transfer-Encoding: chunked;q=1", `${chunk}0\r\n\r\n`)],
  ["chunked after a vertical tab", () => create("Transfer-Encoding:\x0bchunked", `${chunk}0\r\n\r\n`)],
  ["chunked before a form feed", () => create("Transfer-Encoding: chunked\x0c", `${chunk}0\r\n\r\n`)],
  ["chunked twice in a line", () => create("Transfer-Encoding: chunked, chunked", `${chunk}0\r\n\r\n`)],
  ["chunked in two lines", () => create(`${chunked}\r\n${chunked}`, `${chunk}0\r\n\r\n`)],
  ["chunked, then identity", () => create(`${chunked}\r\nTransfer-Encoding: identity`, `${chunk}0\r\n\r\n`)],
  ["identity, then chunked", () => create(`Transfer-Encoding: identity\r\n${chunked}`, `${chunk}0\r\n\r\n`)],
  ["a coding in HTTP/1.0", () => create(chunked, `${chunk}0\r\n\r\n`, "1.0")],
  ["a coding and a length in HTTP/1.0", () => create(`${length}\r\n${chunked}`, json, "1.0")],
  ["a length and an unknown coding", () => create(`${length}\r\nTransfer-Encoding: x`, json)],
  [
    "a space before the colon of the coding",
    () => create("Transfer-Encoding : chunked", `${chunk}0\r\n\r\n`),
  ],
  ["a space before the colon of the length", () => create(length.replace(":", " :"), json)],
  ["a tab before the colon of the length", () => create(length.replace(":", "\t:"), json)],
  ["the same length twice", () => create(`${length}\r\n${length}`, json)],
  ["the same length twice in a line", () => create(`${length}, ${json.length}`, json)],
  ["an empty length", () => create("Content-Length:", json)],
  ["a length with a sign", () => create(`Content-Length: +${json.length}`, json)],
  ["a length in hexadecimal", () => create(`Content-Length: 0x${json.length.toString(16)}`, json)],
  ["a length with a space in it", () => create("Content-Length: 3 5", json)],
  ["a length with a fraction", () => create(`${length}.0`, json)],
  ["a length with an underscore", () => create("Content-Length: 3_5", json)],
  ["a length and U+0000", () => create(`${length}\0`, json)],
  ["a length that overflows 64 bits", () => create("Content-Length: 18446744073709551651", json)],
  ["a folded coding", () => create("Transfer-Encoding:\r\n chunked", `${chunk}0\r\n\r\n`)],
  ["a coding folded by a line feed", () => create("Transfer-Encoding:\n chunked", `${chunk}0\r\n\r\n`)],
  ["a folded length", () => create("Content-Length: 3\r\n 5", json)],
  ["another header folded over a length", () => create(`X: y\r\n Content-Length: 3\r\n${length}`, json)],
  ["a space before the first header", () => create(length, json).replace("Host", " X: y\r\nHost")],
  ["line feeds alone", () => create(length, json).replaceAll("\r\n", "\n")],
  ["a line feed alone after a header", () => create(`X: y\n${length}`, json)],
  ["a line feed alone after the request line", () => create(length, json).replace("\r\n", "\n")],
  ["a line feed alone before the body", () => create(length, json).replace("\r\n\r\n", "\r\n\n")],
  ["a carriage return alone after a header", () => create(`X: y\r${length}`, json)],
  ["two carriage returns after a header", () => create(`X: y\r\r\n${length}`, json)],
  ["a header without a name", () => create(`: y\r\n${length}`, json)],
  ["U+0000 in a name", () => create(`X\0: y\r\n${length}`, json)],
  ["two hosts", () => create(`Host: y\r\n${length}`, json)],
  ["the same host twice, in two cases", () => create(`HOST: x\r\n${length}`, json)],
  ["tabs in the request line", () => create(length, json).replace(`POST ${list} `, `POST\t${list}\t`)],
  ["the preface of HTTP/2", () => "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
  ["a chunk size in hexadecimal notation", () => create(chunked, `0x${chunk}0\r\n\r\n`)],
  ["a chunk size with a plus", () => create(chunked, `+${chunk}0\r\n\r\n`)],
  ["a chunk size with a minus", () => create(chunked, `-${chunk}0\r\n\r\n`)],
  ["a space before a chunk size", () => create(chunked, ` ${chunk}0\r\n\r\n`)],
  ["a space after a chunk size", () => create(chunked, chunk.replace("\r\n", " \r\n"))],
  ["no chunk size", () => create(chunked, `\r\n${json}\r\n0\r\n\r\n`)],
  ["a chunk size that overflows 64 bits", () => create(chunked, `100000000000000${chunk}0\r\n\r\n`)],
  ["a line feed alone after a chunk size", () => create(chunked, `${chunk.replace("\r\n", "\n")}0\r\n\r\n`)],
  ["a line feed alone after a chunk", () => create(chunked, `${chunk.trimEnd()}\n0\r\n\r\n`)],
  ["nothing after a chunk", () => create(chunked, `${chunk.trimEnd()}0\r\n\r\n`)],
  ["a chunk that is longer than it says", () => create(chunked, `2\r\n${json}\r\n0\r\n\r\n`)],
  ["a line feed alone after the last chunk", () => create(chunked, `${chunk}0\n\r\n`)],
  ["a line feed in a chunk's extension", () => create(chunked, `${chunk.replace("\r", ";a\nb\r")}0\r\n\r\n`)],
  ["a return in a chunk's extension", () => create(chunked, `${chunk.replace("\r", ";a\rb\r")}0\r\n\r\n`)],
  ["U+0000 in a chunk's extension", () => create(chunked, `${chunk.replace("\r", ";a\0\r")}0\r\n\r\n`)],
  [
    "twenty thousand bytes of a chunk's extension",
    () => create(chunked, `${chunk.replace("\r", `;${"a".repeat(20_000)}\r`)}0\r\n\r\n`),
  ],
];

describe("ambiguous framing", () => {
  it.each(forms)("framing: %s → 400", async (_form, text) => {
    const bytes = Buffer.from(text() + smuggled(), "latin1");
    const responses = await server.exchange(bytes, { method: "GET", target: list });
    expect(responses.map(({ status, body }) => [status, JSON.parse(body)])).toEqual([
      [400, { error: "Malformed request." }],
    ]);
    expect(responses[0]?.headers.connection).toBe("close");
    expect((await partner.send("GET", "/customers")).body.data).toEqual([]);
  });

  it.each<[string, () => string]>([
    ["a length in its trailer", () => `${chunk}0\r\nContent-Length: 5\r\n\r\n`],
    ["a coding in its trailer", () => `${chunk}0\r\n${chunked}\r\n\r\n`],
    ["a space before a colon in its trailer", () => `${chunk}0\r\nX : y\r\n\r\n`],
  ])("framing: %s → 400", async (_form, body) => {
    const bytes = Buffer.from(create(chunked, body()) + smuggled(), "latin1");
    const responses = await server.exchange(bytes, { method: "GET", target: list });
    expect(responses.map(({ status }) => status)).toEqual([400]);
    expect((await partner.send("GET", "/customers")).body.data).toEqual([]);
  });

  it("framing: unknown coding after two requests → 200, 200, 400", async () => {
    const good = `GET ${list} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${partner.key}\r\n\r\n`;
    const bad = create("Transfer-Encoding: gzip, chunked", `${chunk}0\r\n\r\n`);
    const responses = await server.exchange(good + good + bad + smuggled(), { method: "GET", target: list });
    expect(responses.map(({ status }) => status)).toEqual([200, 200, 400]);
    expect((await partner.send("GET", "/customers")).body.data).toEqual([]);
  });
});
