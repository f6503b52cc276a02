/** The contract check, on responses that no server sends. */
import { expect, it } from "vitest";
import { contract } from "../../server/contract.ts";
import { findDifferences, type ObservedResponse } from "../../server/contractCheck.ts";

const headers = {
  "x-request-id": "a",
  "x-content-type-options": "nosniff",
  "cache-control": "private, no-cache",
  "content-type": "application/json",
};
const customer = contract.components.examples.customer.value;
const right: ObservedResponse = {
  method: "GET",
  target: "/api/v1/customers/x",
  status: 200,
  headers: { ...headers, etag: '"a"' },
  body: JSON.stringify(customer),
};
const notFound: ObservedResponse = {
  ...right,
  status: 404,
  headers,
  body: '{"error":"Customer not found."}',
};

const findPlaces = (response: ObservedResponse) => findDifferences(response).map(({ where }) => where);

// This test comes first, because schemas are compiled once, and Stryker attributes that to the first test that needs
// it.
it("contract check: several differences → all reported, leaked fields too", () => {
  const data = { ...customer.data, email: 5, creditLimit: "5", passwordHash: "x" };
  const places = findPlaces({ ...right, headers, body: JSON.stringify({ data }) });
  expect(places.toSorted()).toEqual(["body/data", "body/data/creditLimit", "body/data/email", "header ETag"]);
  const leaking = { ...notFound, body: '{"error":"Customer not found.","stack":"at"}' };
  expect(findPlaces(leaking)).toEqual(["body"]);
});

it("contract check: body where the contract has none → reported", () => {
  expect(findDifferences({ ...right, status: 304, body: "" })).toEqual([
    { where: "media type", contract: "none", response: "application/json" },
  ]);
});

it("contract check: unknown error message → reported with the known ones", () => {
  const [difference] = findDifferences({ ...notFound, status: 400, body: '{"error":"No."}' });
  expect(difference).toMatchObject({ where: "body/error", response: "No." });
  expect(difference?.contract.split(" | ")).toContain("Malformed request.");
});

it.each<[string, Partial<ObservedResponse>]>([
  ["as it should be", {}],
  ["digits in a header that is text", { headers: { ...right.headers, "x-request-id": "123" } }],
  ["a query", { target: "/api/v1/customers/x?a=/b" }],
  [
    "the 412 of another method on the path",
    {
      ...notFound,
      method: "PATCH",
      status: 412,
      body: '{"error":"Customer has changed since it was read."}',
    },
  ],
  ["the 408 of any request", { ...notFound, status: 408, body: '{"error":"Request timed out."}' }],
  ["the 404 of an unknown path", { ...notFound, target: "/nowhere", body: '{"error":"Not found."}' }],
])("contract check: %s → conforms", (_title, changes) => {
  expect(findDifferences({ ...right, ...changes })).toEqual([]);
});

it.each(["/", "/docs", "/openapi.json", "/openapi.yaml", "/healthz", "/readyz", "/docs?a=/b"])(
  "contract check: page %s → not compared, except errors and writes",
  (target) => {
    const page = { ...right, target, headers: { "content-type": "text/html" }, body: "<html>" };
    expect(findDifferences(page)).toEqual([]);
    expect(findDifferences({ ...page, method: "HEAD", body: "" })).toEqual([]);
    expect(findPlaces({ ...page, method: "POST" })).toEqual(["status"]);
    for (const status of [400, 408, 431]) expect(findPlaces({ ...page, status })).toContain("media type");
  },
);

it("contract check: negative number in a header → compared as a number", () => {
  const response = { ...right, headers: { ...right.headers, "ratelimit-remaining": "-1" } };
  expect(findDifferences(response)).toEqual([
    { where: "header RateLimit-Remaining", contract: "must be >= 0", response: "-1" },
  ]);
});

it.each(["5x", "x5", "", "1.5", "5 5"])("contract check: integer header '%s' → reported", (value) => {
  const response = { ...right, headers: { ...right.headers, "ratelimit-remaining": value } };
  expect(findDifferences(response)).toEqual([
    { where: "header RateLimit-Remaining", contract: "must be integer", response: value },
  ]);
});

it.each(["null", "5", "[]", '{"error":5}'])("contract check: error body %s → reported", (body) => {
  expect(findPlaces({ ...notFound, body })).toEqual([body.startsWith("{") ? "body/error" : "body"]);
});

it("contract check: unknown status with a long body → its first 200 characters", () => {
  const [difference] = findDifferences({ ...right, status: 202, body: "x".repeat(300) });
  expect(difference?.response).toBe(`202 ${"x".repeat(200)}`);
});

it("contract check: 200 of an unknown path → reported with the known statuses", () => {
  const known = Object.keys(contract["x-any-request"].responses).join(", ");
  expect(findDifferences({ ...right, target: "/nowhere" })[0]).toMatchObject({
    where: "status",
    contract: known,
  });
});
