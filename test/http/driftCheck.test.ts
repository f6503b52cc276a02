/** The contract check, on servers whose response differs from the contract in one way. */
import { describe, expect, it } from "vitest";
import { assertContract, createCheckedFetch } from "../../server/checkedFetch.ts";
import { contract } from "../../server/contract.ts";
import { serve } from "../support/otherServers.ts";
import { exchangeBytes, parseResponses } from "../support/rawHttp.ts";

const path = "/api/v1/customers/019ab532-d9c0-7d3a-9b52-3f6f1f0f6a11";
const customer = contract.components.examples.customer.value;

interface WrittenResponse {
  status: number;
  headers: Record<string, string>;
  body: string;
}

const always = {
  "X-Request-Id": "a",
  "X-Content-Type-Options": "nosniff",
  "Cache-Control": "private, no-cache",
};
const json = { ...always, "Content-Type": "application/json" };
const right: WrittenResponse = {
  status: 200,
  headers: { ...json, ETag: '"a"', "RateLimit-Limit": "600" },
  body: JSON.stringify(customer),
};
const notFound: WrittenResponse = { status: 404, headers: json, body: '{"error":"Customer not found."}' };
const limited: WrittenResponse = {
  status: 429,
  headers: { ...json, "Retry-After": "12" },
  body: '{"error":"Rate limit exceeded.","retryAfter":12}',
};

/** The conforming response with other fields of the customer; undefined removes one. */
function withFields(fields: Record<string, unknown>): WrittenResponse {
  return { ...right, body: JSON.stringify({ data: { ...customer.data, ...fields } }) };
}

function withHeader(name: string, value: string, written = right): WrittenResponse {
  return { ...written, headers: { ...written.headers, [name]: value } };
}

function withoutHeader(name: string, written = right): WrittenResponse {
  const { [name]: _, ...headers } = written.headers;
  return { ...written, headers };
}

/** Sends a request to a server that always sends this response. */
async function fetchFrom(written: WrittenResponse, options?: { strictHeaders: boolean }): Promise<Response> {
  const url = await serve((_request, response) => {
    response.writeHead(written.status, written.headers).end(written.body);
  });
  return createCheckedFetch(options)(url + path);
}

it.each([
  ["a customer", right],
  ["a 304", { ...right, status: 304, headers: { ...always, ETag: '"a"' }, body: "" }],
  ["an error", notFound],
  ["an error with a wait", limited],
])("contract check: %s → conforms", async (_title, written) => {
  expect((await fetchFrom(written)).status).toBe(written.status);
});

/** The difference, the response, and the only line in the report. */
const drifts: [title: string, written: WrittenResponse, where: string, contract: string, received: string][] =
  [
    [
      "a missing field",
      withFields({ notes: undefined }),
      "body/data",
      "must have required property 'notes'",
      '{"id":"019ab532',
    ],
    [
      "a leaked field",
      withFields({ passwordHash: "x" }),
      "body/data",
      'must NOT have additional properties {"additionalProperty":"passwordHash"}',
      '{"id":"019ab532',
    ],
    [
      "a field leaked beside the customer",
      { ...right, body: JSON.stringify({ ...customer, companyId: "x" }) },
      "body",
      'must NOT have additional properties {"additionalProperty":"companyId"}',
      '{"data":',
    ],
    [
      "a field leaked in an error",
      { ...notFound, body: '{"error":"Customer not found.","stack":"at"}' },
      "body",
      'must NOT have additional properties {"additionalProperty":"stack"}',
      '{"error":',
    ],
    [
      "a wrong type",
      withFields({ creditLimit: "5000" }),
      "body/data/creditLimit",
      "must be number",
      '"5000"',
    ],
    ["a null that may not be", withFields({ email: null }), "body/data/email", "must be string", "null"],
    [
      "a value outside its enumeration",
      withFields({ status: "DELETED" }),
      "body/data/status",
      "must be equal to one of the allowed values",
      '"DELETED"',
    ],
    [
      "a value of another format",
      withFields({ createdAt: "24.11.2025" }),
      "body/data/createdAt",
      'must match format "date-time"',
      '"24.11.2025"',
    ],
    ["a body that is no JSON", { ...right, body: "<html>" }, "body", "JSON", "<html>"],
    [
      "a status that is not described",
      { ...right, status: 202 },
      "status",
      "200, 304, 400, 401, 403, 404, 429, 500, 503",
      "202 ",
    ],
    [
      "a status that is described for another operation",
      { ...notFound, status: 409, body: '{"error":"A customer with this email already exists."}' },
      "status",
      "200, 304, 400, 401, 403, 404, 429, 500, 503",
      "409 ",
    ],
    [
      "a message that is not described",
      { ...notFound, body: '{"error":"No such customer."}' },
      "body/error",
      "Customer not found.",
      "No such customer.",
    ],
    [
      "a message that is described for another status",
      { ...notFound, body: '{"error":"Internal server error."}' },
      "body/error",
      "Customer not found.",
      "Internal server error.",
    ],
    ["a missing header", withoutHeader("ETag"), "header ETag", "required", "absent"],
    ["a missing wait", withoutHeader("Retry-After", limited), "header Retry-After", "required", "absent"],
    [
      "a mistyped header",
      withHeader("RateLimit-Limit", "many"),
      "header RateLimit-Limit",
      "must be integer",
      "many",
    ],
    ["a header of another form", withHeader("ETag", 'W/"a"'), "header ETag", "must match pattern", 'W/"a"'],
    [
      "a header with a value outside its enumeration",
      withHeader("Cache-Control", "public"),
      "header Cache-Control",
      "must be equal to one of the allowed values",
      "public",
    ],
    [
      "an undocumented header",
      withHeader("X-Powered-By", "Express"),
      "header x-powered-by",
      "not described",
      "Express",
    ],
    [
      "another media type",
      withHeader("Content-Type", "text/html"),
      "media type",
      "application/json",
      "text/html",
    ],
    [
      "a media type with a parameter",
      withHeader("Content-Type", "application/json; charset=utf-8"),
      "media type",
      "application/json",
      "application/json; charset=utf-8",
    ],
    ["no media type", withoutHeader("Content-Type"), "media type", "application/json", "none"],
  ];

it.each(drifts)("contract check: %s → reported", async (_title, written, where, contract, received) => {
  const report = String(await fetchFrom(written).catch((error) => error.message));
  expect(report).toContain(`GET ${path} responded ${written.status}, which differs from the contract:`);
  expect(report).toContain(`\n  ${where}\n  - contract: ${contract}`);
  expect(report).toContain(`\n  + response: ${received}`);
  expect(report.match(/- contract:/g)).toHaveLength(1);
});

it("contract check: headers of a proxy → ignored unless the contract has them", async () => {
  const relaxed = { strictHeaders: false };
  expect((await fetchFrom(withHeader("Via", "1.1 proxy"), relaxed)).status).toBe(200);
  await expect(fetchFrom(withHeader("Retry-After", "1"), relaxed)).rejects.toThrow("header retry-after");
});

describe("contract check: responses without a body", () => {
  const headers = `${Object.entries({ ...always, ETag: '"a"' })
    .map(([name, value]) => `${name}: ${value}`)
    .join("\r\n")}\r\n`;

  /** Sends a request to a server that writes these bytes, and checks the response. */
  async function exchange(method: string, bytes: string): Promise<void> {
    const url = await serve((request) => void request.socket.end(bytes));
    const request = `${method} ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;
    const responses = parseResponses(await exchangeBytes(Number(new URL(url).port), request), method, path);
    expect(responses).toHaveLength(1);
    for (const written of responses) assertContract(written);
  }

  const body = '{"data":null}';
  const length = `Content-Length: ${body.length}\r\n`;
  const type = "Content-Type: application/json\r\n";

  it.each([
    ["HEAD", `HTTP/1.1 200 OK\r\n${headers}${type}${length}\r\n`],
    ["GET", `HTTP/1.1 304 Not Modified\r\n${headers}\r\n`],
  ])("contract check: %s without a body → conforms", async (method, bytes) => {
    await exchange(method, bytes);
  });

  it.each([
    ["HEAD", `HTTP/1.1 200 OK\r\n${headers}${type}${length}\r\n${body}`],
    ["GET", `HTTP/1.1 304 Not Modified\r\n${headers}\r\n${body}`],
    ["GET", `HTTP/1.1 304 Not Modified\r\n${headers}${length}\r\n${body}`],
  ])("contract check: %s with a body on the wire → a difference", async (method, bytes) => {
    await expect(exchange(method, bytes)).rejects.toThrow(
      `\n  body\n  - contract: empty\n  + response: ${body}`,
    );
  });
});
