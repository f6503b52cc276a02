/** Header fields behind many others: each is read, or the request is rejected as a whole. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { addFigure } from "../support/figures.ts";
import type { Partner } from "../support/partner.ts";
import { exchangeBytes } from "../support/rawHttp.ts";
import { startServer, type TestServer } from "../support/server.ts";

let server: TestServer;
let partner: Partner;
beforeAll(async () => {
  server = await startServer();
  partner = await server.partner();
});
afterAll(async () => {
  addFigure(
    "Header fields after 99 to 2,000 others",
    "connections, all with the expected status",
    connections,
  );
  await server.stop();
});

const customers = "/api/v1/customers";
const mostFields = 100;
/** Numbers of fields before the last one, as short as possible to fit into 16 KiB. */
const counts = [99, 100, 101, 1_000, 2_000];

/** Builds a request whose last fields come after a number of others: the first ones and fillers. */
function buildRequest(line: string, first: string[], last: string[], before: number, body = ""): string {
  const fillers = Array.from({ length: before - first.length }, () => "a: b");
  return `${line} HTTP/1.1\r\n${[...first, ...fillers, ...last].map((field) => `${field}\r\n`).join("")}\r\n${body}`;
}

let connections = 0;
/** The statuses of the responses to bytes on a new connection. */
async function readStatuses(bytes: string): Promise<number[]> {
  connections += 1;
  const received = (await exchangeBytes(server.port, bytes, 3_000)).toString("latin1");
  return [...received.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
}

const common = () => ["Host: x", "Connection: close", `Authorization: Bearer ${partner.key}`];
const typed = () => [...common(), "Content-Type: application/json"];
const json = (email: string) => JSON.stringify({ email });
const length = (body: string) => `Content-Length: ${Buffer.byteLength(body)}`;

describe.each(counts)("%i header fields before the last one", (before) => {
  const subject = `${before} headers, then`;

  /** Returns the status if the server reads so many fields, else 431. */
  const either = (status: number, last = 1) => (before + last > mostFields ? 431 : status);
  const email = (name: string) => `${name}.${before}@fields.example`;
  const exists = async (name: string) =>
    (await partner.send("GET", `/customers?email=${email(name)}`)).body.data.length > 0;

  it(`${subject} a stale If-Match: PATCH → 412 or 431, no update`, async () => {
    const { body } = await partner.send("POST", "/customers", { email: email("match") });
    const update = JSON.stringify({ name: "Changed" });
    const bytes = buildRequest(
      `PATCH ${customers}/${body.data.id}`,
      [...typed(), length(update)],
      ['If-Match: "stale"'],
      before,
      update,
    );
    expect(await readStatuses(bytes)).toEqual([either(412)]);
    expect((await partner.send("GET", `/customers/${body.data.id}`)).body.data.name).toBeNull();
  });

  it(`${subject} a bad Idempotency-Key: POST → 400 or 431, no customer`, async () => {
    const body = json(email("idempotency"));
    const first = [...typed(), length(body)];
    const bytes = buildRequest(`POST ${customers}`, first, ["Idempotency-Key: \xff"], before, body);
    expect(await readStatuses(bytes)).toEqual([either(400)]);
    expect(await exists("idempotency")).toBe(false);
  });

  it(`${subject} Authorization: GET → 200 or 431`, async () => {
    const first = ["Host: x", "Connection: close"];
    const bytes = buildRequest(`GET ${customers}`, first, [`Authorization: Bearer ${partner.key}`], before);
    expect(await readStatuses(bytes)).toEqual([either(200)]);
  });

  it(`${subject} Content-Length: POST → 201, 400 or 431, body is no request`, async () => {
    const hidden = buildRequest(
      `POST ${customers}`,
      [...typed(), length(json(email("hidden")))],
      [],
      5,
      json(email("hidden")),
    );
    for (const [body, status] of [
      [json(email("length")), 201],
      [hidden, 400],
    ] as const) {
      const bytes = buildRequest(`POST ${customers}`, typed(), [length(body)], before, body);
      expect(await readStatuses(bytes)).toEqual([either(status)]);
    }
    expect(await exists("length")).toBe(either(201) === 201);
    expect(await exists("hidden")).toBe(false);
  });

  it(`${subject} Transfer-Encoding: POST → 201 or 431`, async () => {
    const body = json(email("chunked"));
    const chunks = `${Buffer.byteLength(body).toString(16)}\r\n${body}\r\n0\r\n\r\n`;
    const bytes = buildRequest(`POST ${customers}`, typed(), ["Transfer-Encoding: chunked"], before, chunks);
    expect(await readStatuses(bytes)).toEqual([either(201)]);
    expect(await exists("chunked")).toBe(either(201) === 201);
  });

  it(`${subject} a second length or Host: POST → 400 or 431`, async () => {
    const body = json(email("double"));
    for (const last of [
      [length(body), "Transfer-Encoding: chunked"],
      [length(body), "Host: y"],
      [length(body), "Content-Length: 3"],
    ]) {
      const [status, ...others] = await readStatuses(
        buildRequest(`POST ${customers}`, typed(), last, before, body),
      );
      expect([400, 431]).toContain(status);
      expect(others).toEqual([]);
    }
    expect(await exists("double")).toBe(false);
  });

  it(`${subject} repeated or folded If-Match: PATCH → 400, 412 or 431`, async () => {
    const { body } = await partner.send("POST", "/customers", { email: email("repeated") });
    const update = JSON.stringify({ name: "Changed" });
    for (const last of [
      ['If-Match: "a"', 'If-Match: "b"'],
      ['If-Match:\r\n "a"'],
      ['If-Match: "a",\r\n\t"b"'],
    ]) {
      const first = [...typed(), length(update)];
      const bytes = buildRequest(`PATCH ${customers}/${body.data.id}`, first, last, before, update);
      const statuses = await readStatuses(bytes);
      expect(statuses).toHaveLength(1);
      expect([400, 412, 431]).toContain(statuses[0]);
    }
    expect((await partner.send("GET", `/customers/${body.data.id}`)).body.data.name).toBeNull();
  });

  it(`readBody: chunked, ${before} trailers → not fields of the request`, async () => {
    const body = json(email("trailer"));
    const trailers = `${"a: b\r\n".repeat(before)}Idempotency-Key: \xff\r\nAuthorization: Bearer x\r\n`;
    const chunks = `${Buffer.byteLength(body).toString(16)}\r\n${body}\r\n0\r\n${trailers}\r\n`;
    const bytes = buildRequest(
      `POST ${customers}`,
      [...typed(), "Transfer-Encoding: chunked"],
      [],
      5,
      chunks,
    );
    const [status, ...others] = await readStatuses(bytes);
    expect([201, 400, 431]).toContain(status);
    expect(others).toEqual([]);
    expect(await exists("trailer")).toBe(status === 201);
  });
});
