import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ClientGoneError } from "../../server/errors.ts";
import { readBody } from "../../server/requestParsing.ts";
import { serve } from "../support/otherServers.ts";
import type { Partner } from "../support/partner.ts";
import { exchangeBytes, requestBytes } from "../support/rawHttp.ts";
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

/** Sends a create with exactly these headers, and the body as it is. */
async function create(headers: Record<string, string>, body: string | Buffer) {
  const bytes = requestBytes(
    "POST /api/v1/customers",
    { Authorization: `Bearer ${partner.key}`, ...headers },
    body,
  );
  const [answer] = await server.exchange(bytes);
  return [answer?.status, JSON.parse(answer?.body ?? "")];
}

/** Sends JSON with these headers beside its length. */
function createJson(headers: Record<string, string>) {
  const body = JSON.stringify({ email: freeEmail() });
  return create({ ...headers, "Content-Length": String(body.length) }, body);
}

const json = { "Content-Type": "application/json" };

describe("the media type of a body", () => {
  it.each([
    "application/json",
    "APPLICATION/JSON",
    "Application/Json;charset=utf-8",
    'application/json; charset="UTF-8"',
    "application/json ;  Charset=Utf-8",
    "application/json;",
    "application/json; version=1",
    "application/json; version=1; charset=utf-8",
  ])("may be %s", async (type) => {
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
  ])("cannot be '%s'", async (type) => {
    expect(await createJson({ "Content-Type": type })).toEqual(wrongType);
  });

  it("cannot be missing, not even where there is no body", async () => {
    expect(await createJson({})).toEqual(wrongType);
    expect(await create({ "Content-Length": "0" }, "")).toEqual(wrongType);
    expect(await create({}, "")).toEqual(wrongType);
  });

  it("cannot be a patch type on an update", async () => {
    for (const type of ["application/merge-patch+json", "application/json-patch+json"]) {
      const { status, body } = await partner.send("PATCH", "/customers/x", {}, { "Content-Type": type });
      expect([status, body]).toEqual(wrongType);
    }
  });

  it.each(["gzip", "identity", "br", "deflate", "utf-8", "gzip, identity"])(
    "cannot go with the Content-Encoding %s",
    async (encoding) => {
      expect(await createJson({ ...json, "Content-Encoding": encoding })).toEqual(wrongType);
    },
  );

  it("means nothing where nothing is written", async () => {
    const { status } = await partner.send("GET", "/customers", undefined, { "Content-Type": "text/plain" });
    expect(status).toBe(200);
  });
});

describe("the size of a body", () => {
  const limit = 65_536;
  const paddedTo = (bytes: number, text: string) =>
    Buffer.concat([Buffer.from(text), Buffer.alloc(bytes - Buffer.byteLength(text), " ")]);
  const customer = (name: string) => `{"email":"${freeEmail()}","name":"${name}"}`;

  /** As two chunks of a chunked body, the second with what is over. */
  function chunked(body: Buffer): Buffer {
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
  ])("may be 65536 bytes and not 65537, declared or chunked, with %s", async (_title, name) => {
    for (const [bytes, expected] of [
      [limit, 201],
      [limit + 1, 413],
    ] as const) {
      const declared = { ...json, "Content-Length": String(bytes) };
      expect((await create(declared, paddedTo(bytes, customer(name))))[0]).toBe(expected);
      const [status] = await create(
        { ...json, "Transfer-Encoding": "chunked" },
        chunked(paddedTo(bytes, customer(name))),
      );
      expect(status).toBe(expected);
    }
  });

  it("counts bytes and not characters", async () => {
    const text = `{"email":"${freeEmail()}","notes":"${"😀".repeat(16_400)}"}`;
    expect(text.length).toBeLessThan(limit);
    expect(await create({ ...json, "Content-Length": String(Buffer.byteLength(text)) }, text)).toEqual(
      tooLarge,
    );
  });

  it("is judged by what is declared, before a byte of it is sent", async () => {
    for (const length of ["65537", "9999999999", "99999999999999999"])
      expect(await create({ ...json, "Content-Length": length }, "")).toEqual(tooLarge);
  });

  it("over the limit creates nothing", async () => {
    const email = freeEmail();
    const body = paddedTo(limit + 1, JSON.stringify({ email }));
    expect((await partner.send("POST", "/customers", body)).status).toBe(413);
    expect((await partner.send("GET", `/customers?search=${email}`)).body.data).toEqual([]);
  });
});

describe("a body", () => {
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
  ])("of %s is no JSON object, for a create and for an update", async (_title, body) => {
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
  ])("that is not UTF-8 is refused and not repaired: %s", async (_title, bytes) => {
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

  it("in UTF-16 is refused", async () => {
    const body = Buffer.from(`\ufeff{"email":"${freeEmail()}"}`, "utf16le");
    expect((await partner.send("POST", "/customers", body)).status).toBe(400);
  });

  it("may begin with one byte order mark, which is no part of it", async () => {
    const email = freeEmail();
    const sent = await partner.send("POST", "/customers", `\ufeff{"email":"${email}"}`);
    expect([sent.status, sent.body.data.email]).toEqual([201, email]);
  });

  it("may come in many small pieces, also in the middle of a character", async () => {
    const body = Buffer.from(`{"email":"${freeEmail()}","name":"Zoë 😀"}`);
    const pieces = Buffer.concat([...body].map((byte) => Buffer.from([0x31, 13, 10, byte, 13, 10])));
    const [status, answer] = await create(
      { ...json, "Transfer-Encoding": "chunked" },
      Buffer.concat([pieces, Buffer.from("0\r\n\r\n")]),
    );
    expect([status, answer.data.name]).toEqual([201, "Zoë 😀"]);
  });

  it("deep within a field is that field's error", async () => {
    const deep = `{"email":"${freeEmail()}","name":${"[".repeat(20_000)}${"]".repeat(20_000)}}`;
    const { status, body } = await partner.send("POST", "/customers", deep);
    expect([status, body.field]).toEqual([400, "name"]);
  });

  it("means nothing on a read", async () => {
    const [answer] = await server.exchange(
      requestBytes(
        "GET /api/v1/customers",
        { Authorization: `Bearer ${partner.key}`, "Content-Length": "5" },
        "{{{{{",
      ),
    );
    expect(answer?.status).toBe(200);
  });
});

it("is read no more where its client has gone, or its request been answered, while the database was asked", async () => {
  const outcomes: unknown[] = [];
  const url = await serve(async (request, response) => {
    if (request.url === "/answered") response.end();
    request.on("error", () => {});
    await new Promise((resolve) => request.on("close", resolve));
    outcomes.push(await readBody(request, response, 100).catch((error) => error));
  });
  await fetch(`${url}/answered`, { method: "POST", body: "{}" });
  const head = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{";
  await exchangeBytes(Number(new URL(url).port), head, 100);
  await expect.poll(() => outcomes).toEqual([expect.any(ClientGoneError), expect.any(ClientGoneError)]);
});
