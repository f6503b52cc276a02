import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Partner } from "../support/partner.ts";
import { buildRequestBytes } from "../support/rawHttp.ts";
import { startServer, type TestServer } from "../support/server.ts";

let server: TestServer;
let partner: Partner;
beforeAll(async () => {
  server = await startServer();
  partner = await server.partner();
});
afterAll(() => server.stop());

let emails = 0;
const freeEmail = () => `free${++emails}@x.example`;
const wrongType = [415, { error: "Content-Type must be application/json." }];
const tooLarge = [413, { error: "Request body is too large." }];
const invalid = [400, { error: "Invalid JSON body." }];

/** Sends a create with exactly these headers and this body. */
async function create(headers: Record<string, string>, body: string | Buffer) {
  const bytes = buildRequestBytes(
    "POST /api/v1/customers",
    { Authorization: `Bearer ${partner.key}`, ...headers },
    body,
  );
  const [response] = await server.exchange(bytes);
  return [response?.status, JSON.parse(response?.body ?? "")];
}

/** Sends JSON with its length and these headers. */
function createJson(headers: Record<string, string>) {
  const body = JSON.stringify({ email: freeEmail() });
  return create({ ...headers, "Content-Length": String(body.length) }, body);
}

const json = { "Content-Type": "application/json" };

it.each([
  "application/json",
  "APPLICATION/JSON",
  "Application/Json;charset=utf-8",
  'application/json; charset="UTF-8"',
  "application/json ;  Charset=Utf-8",
  "application/json;",
  "application/json; version=1",
  "application/json; version=1; charset=utf-8",
])("Content-Type: %s → 201", async (type) => {
  const [status] = await createJson({ "Content-Type": type });
  expect(status).toBe(201);
});

it.each([
  "",
  "json",
  "text/json",
  "text/plain",
  "application/*",
  "*/*",
  "application/jsonp",
  "application/json5",
  "application/problem+json",
  "application/merge-patch+json",
  "application/json-patch+json",
  "application/x-www-form-urlencoded",
  "multipart/form-data; boundary=x",
  "application/json, text/plain",
  "application/json; charset=utf8",
  "application/json; charset=utf-16",
  "application/json; charset=iso-8859-1",
  'application/json; charset=""',
  "text/plain; application/json",
])("Content-Type: '%s' → 415", async (type) => {
  expect(await createJson({ "Content-Type": type })).toEqual(wrongType);
});

it("Content-Type: missing, also without a body → 415", async () => {
  expect(await createJson({})).toEqual(wrongType);
  expect(await create({ "Content-Length": "0" }, "")).toEqual(wrongType);
  expect(await create({}, "")).toEqual(wrongType);
});

it("body: none, with or without a length → 400", async () => {
  expect(await create(json, "")).toEqual(invalid);
  expect(await create({ ...json, "Content-Length": "0" }, "")).toEqual(invalid);
  expect(await create({ ...json, "Transfer-Encoding": "chunked" }, "0\r\n\r\n")).toEqual(invalid);
});

it("Content-Type: a patch type on updateCustomer → 415", async () => {
  for (const type of ["application/merge-patch+json", "application/json-patch+json"]) {
    const { status, body } = await partner.send("PATCH", "/customers/x", {}, { "Content-Type": type });
    expect([status, body]).toEqual(wrongType);
  }
});

it.each(["gzip", "identity", "br", "deflate", "utf-8", "gzip, identity"])(
  "Content-Encoding: %s → 415",
  async (encoding) => {
    expect(await createJson({ ...json, "Content-Encoding": encoding })).toEqual(wrongType);
  },
);

it("Content-Type: text/plain on a read → 200", async () => {
  const { status } = await partner.send("GET", "/customers", undefined, { "Content-Type": "text/plain" });
  expect(status).toBe(200);
});

describe("request body: size", () => {
  const limit = 65_536;
  const paddedTo = (bytes: number, text: string) =>
    Buffer.concat([Buffer.from(text), Buffer.alloc(bytes - Buffer.byteLength(text), " ")]);
  const customer = (name: string) => `{"email":"${freeEmail()}","name":"${name}"}`;

  /** Encodes a body as two chunks, the second with the bytes over the limit. */
  function encodeChunked(body: Buffer): Buffer {
    const parts = [body.subarray(0, 1_000), body.subarray(1_000)];
    const chunks = parts.flatMap((part) => [
      Buffer.from(`${part.length.toString(16)}\r\n`),
      part,
      Buffer.from("\r\n"),
    ]);
    return Buffer.concat([...chunks, Buffer.from("0\r\n\r\n")]);
  }

  it.each([
    ["one byte a character", "x"],
    ["four bytes a character", "😀"],
  ])("request body: 65536 bytes → 201, 65537 → 413 (%s)", async (_title, name) => {
    for (const [bytes, expected] of [
      [limit, 201],
      [limit + 1, 413],
    ] as const) {
      const declared = { ...json, "Content-Length": String(bytes) };
      expect((await create(declared, paddedTo(bytes, customer(name))))[0]).toBe(expected);
      const [status] = await create(
        { ...json, "Transfer-Encoding": "chunked" },
        encodeChunked(paddedTo(bytes, customer(name))),
      );
      expect(status).toBe(expected);
    }
  });

  it("request body: too many bytes, not characters → 413", async () => {
    const text = `{"email":"${freeEmail()}","notes":"${"😀".repeat(16_400)}"}`;
    expect(text.length).toBeLessThan(limit);
    expect(await create({ ...json, "Content-Length": String(Buffer.byteLength(text)) }, text)).toEqual(
      tooLarge,
    );
  });

  it("request body: declared length over the limit → 413 before any byte is sent", async () => {
    for (const length of ["65537", "9999999999", "99999999999999999"])
      expect(await create({ ...json, "Content-Length": length }, "")).toEqual(tooLarge);
  });

  it("request body: over the limit → 413, no customer is created", async () => {
    const email = freeEmail();
    const body = paddedTo(limit + 1, JSON.stringify({ email }));
    expect((await partner.send("POST", "/customers", body)).status).toBe(413);
    expect((await partner.send("GET", `/customers?search=${email}`)).body.data).toEqual([]);
  });
});

it.each([
  ["nothing", ""],
  ["white space", " \r\n\t "],
  ["an array", '[{"email":"a@b.example"}]'],
  ["an empty array", "[]"],
  ["null", "null"],
  ["a number", "5"],
  ["a string", '"a@b.example"'],
  ["true", "true"],
  ["half an object", '{"email":"a@b.example"'],
  ["two objects", '{"email":"a@b.example"}{}'],
  ["a trailing comma", '{"email":"a@b.example",}'],
  ["a comment", '{"email":"a@b.example"/**/}'],
  ["single quotes", "{'email':'a@b.example'}"],
  ["NaN", '{"email":"a@b.example","creditLimit":NaN}'],
  ["a leading zero", '{"email":"a@b.example","creditLimit":01}'],
  ["a raw line break in a string", '{"email":"a@b.example","name":"a\nb"}'],
  ["a raw U+0000", '{"email":"a@b.example","name":"a\0b"}'],
  ["a form", "email=a%40b.example"],
  ["two byte order marks", '\ufeff\ufeff{"email":"a@b.example"}'],
  ["arrays nested deeply", `${"[".repeat(30_000)}${"]".repeat(30_000)}`],
])("request body: %s → 400 on create and update", async (_title, body) => {
  for (const [method, path] of [
    ["POST", "/customers"],
    ["PATCH", "/customers/x"],
  ] as const) {
    const sent = await partner.send(method, path, body);
    expect([sent.status, sent.body]).toEqual(invalid);
  }
});

it.each([
  ["a lone byte", [0xff]],
  ["Latin-1", [0xe9]],
  ["half a character", [0xe2, 0x82]],
  ["an overlong slash", [0xc0, 0xaf]],
  ["a surrogate", [0xed, 0xa0, 0x80]],
  ["a character beyond U+10FFFF", [0xf4, 0x90, 0x80, 0x80]],
])("request body: invalid UTF-8 (%s) → 400, not repaired", async (_title, bytes) => {
  const email = freeEmail();
  const body = Buffer.concat([
    Buffer.from(`{"email":"${email}","name":"a`),
    Buffer.from(bytes),
    Buffer.from('"}'),
  ]);
  const sent = await partner.send("POST", "/customers", body);
  expect([sent.status, sent.body]).toEqual(invalid);
  expect((await partner.send("GET", `/customers?search=${email}`)).body.data).toEqual([]);
});

it("request body: UTF-16 → 400", async () => {
  const body = Buffer.from(`\ufeff{"email":"${freeEmail()}"}`, "utf16le");
  expect((await partner.send("POST", "/customers", body)).status).toBe(400);
});

it("request body: one byte order mark → 201, ignored", async () => {
  const email = freeEmail();
  const sent = await partner.send("POST", "/customers", `\ufeff{"email":"${email}"}`);
  expect([sent.status, sent.body.data.email]).toEqual([201, email]);
});

it("request body: chunks that split a character → 201", async () => {
  const body = Buffer.from(`{"email":"${freeEmail()}","name":"Zoë 😀"}`);
  const pieces = Buffer.concat([...body].map((byte) => Buffer.from([0x31, 13, 10, byte, 13, 10])));
  const [status, response] = await create(
    { ...json, "Transfer-Encoding": "chunked" },
    Buffer.concat([pieces, Buffer.from("0\r\n\r\n")]),
  );
  expect([status, response.data.name]).toEqual([201, "Zoë 😀"]);
});

it("request body: deep nesting within a field → 400 for that field", async () => {
  const deep = `{"email":"${freeEmail()}","name":${"[".repeat(20_000)}${"]".repeat(20_000)}}`;
  const { status, body } = await partner.send("POST", "/customers", deep);
  expect([status, body.field]).toEqual([400, "name"]);
});

it("request body: on a read → 200, ignored", async () => {
  const [response] = await server.exchange(
    buildRequestBytes(
      "GET /api/v1/customers",
      { Authorization: `Bearer ${partner.key}`, "Content-Length": "5" },
      "{{{{{",
    ),
  );
  expect(response?.status).toBe(200);
});
