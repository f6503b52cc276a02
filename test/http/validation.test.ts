/** Validation without the API around it: parameters that no operation has so far, and what is remembered. */
import express, { type ErrorRequestHandler } from "express";
import { expect, it } from "vitest";
import { type Operation, operations } from "../../server/contract.ts";
import { createDeadlines } from "../../server/deadlines.ts";
import { ApiError } from "../../server/errors.ts";
import { Exchange, type Handler } from "../../server/exchange.ts";
import { createValidation } from "../../server/validation.ts";
import { serve } from "../support/otherServers.ts";
import { exchangeBytes } from "../support/rawHttp.ts";

/**
 * Serves an operation without a body. Collects the validated queries, and whether each was remembered, and returns the
 * status of a response.
 */
async function serveOperation(operation: Operation) {
  const queries: unknown[] = [];
  const remembered: boolean[] = [];
  const begin: Handler = (request, response, next) => {
    const exchange = new Exchange(
      request,
      response,
      createDeadlines(1_000, () => {}),
    );
    exchange.path = request.params;
    // Removed before the validator runs, so it is still there if the request was remembered.
    request.headers["content-type"] = "text/plain";
    exchange.query = Object.fromEntries(new URL(request.url, "http://x").searchParams);
    response.locals.exchange = exchange;
    next();
  };
  const collect: Handler = (request, response) => {
    queries.push(response.locals.exchange.query);
    remembered.push(request.headers["content-type"] !== undefined);
    response.end();
  };
  const sendStatus: ErrorRequestHandler = (error, _request, response, _next) =>
    void response.status(error instanceof ApiError ? error.status : 500).end(error.details?.field);
  const path = `/api/v1${operation.template.replace("{id}", ":id")}`;
  const validate = createValidation([operation]);
  const url = await serve(express().get(path, begin, validate(operation), collect).use(sendStatus));
  const get = async (target: string, init: RequestInit = {}) => {
    const response = await fetch(`${url}/api/v1/customers${target}`, init);
    return [response.status, await response.text()];
  };
  return { get, queries, remembered, port: Number(new URL(url).port) };
}

const find = (id: string) => operations.find(({ operationId }) => operationId === id) as Operation;

it("validation: constrained path parameter → checked for each value", async () => {
  const schema = { type: "string", pattern: "^[a-z]+$" };
  const { get } = await serveOperation({
    ...find("getCustomer"),
    parameters: [{ name: "id", in: "path", schema }],
  });
  for (const [id, status] of [
    ["one", 200],
    ["one", 200],
    ["TWO", 400],
    ["two", 200],
  ])
    expect(await get(`/${id}`)).toEqual([status, status === 400 ? "id" : ""]);
});

it("validation: pattern of a header → left to readParameters", async () => {
  const schema = { pattern: "^[a-z]+$" };
  const { get } = await serveOperation({
    ...find("getCustomer"),
    parameters: [{ name: "X-Word", in: "header", pattern: /^[a-z]+$/, schema }],
  });
  expect(await get("/one", { headers: { "X-Word": "1" } })).toEqual([200, ""]);
});

it("validation: unconstrained path parameter → one memo entry for all values", async () => {
  const { get, remembered } = await serveOperation(find("getCustomer"));
  for (const id of ["one", "two"]) expect(await get(`/${id}`)).toEqual([200, ""]);
  expect(remembered).toEqual([false, true]);
});

it("validation: HEAD before any GET → 200", async () => {
  const { get } = await serveOperation(find("getCustomer"));
  expect(await get("/one", { method: "HEAD" })).toEqual([200, ""]);
});

it("validation: the same query again → remembered, unless it is long", async () => {
  const { get, queries, remembered } = await serveOperation(find("listCustomers"));
  const long = "x".repeat(200);
  for (const search of ["a", "a", long, long]) await get(`?search=${search}`);
  expect(queries).toEqual(["a", "a", long, long].map((search) => ({ limit: 50, search })));
  expect(remembered).toEqual([false, true, false, false]);
});

it("validation: another cursor → remembered, with its own value; a wrong one → 400", async () => {
  const { get, queries, remembered } = await serveOperation(find("listCustomers"));
  const cursor = (digit: number) => `0193a8f0-0000-7000-8000-00000000000${digit}`;
  for (const target of [cursor(1), cursor(2), `${cursor(3)}&limit=7`])
    expect(await get(`?cursor=${target}`)).toEqual([200, ""]);
  expect(queries).toEqual([
    { cursor: cursor(1), limit: 50 },
    { cursor: cursor(2), limit: 50 },
    { cursor: cursor(3), limit: 7 },
  ]);
  expect(await get("")).toEqual([200, ""]);
  for (const wrong of [`${cursor(1)}0`, `${cursor(1)}%0A`, "true", "x"])
    expect(await get(`?cursor=${wrong}`)).toEqual([400, "cursor"]);
  expect(remembered).toEqual([false, true, false, false]);
});

it("validation: pattern beside another constraint → each value is checked", async () => {
  const schema = { type: "string", pattern: "^[a-z]+$", maxLength: 3 };
  const name = { name: "name", in: "query", schema } as const;
  const { get } = await serveOperation({
    ...find("listCustomers"),
    parameters: [name],
    query: new Map([["name", name]]),
  });
  expect(await get("?name=abc")).toEqual([200, ""]);
  expect(await get("?name=abcd")).toEqual([400, "name"]);
});

it("validation: 1,000 other queries → the first is forgotten", async () => {
  const { get, port, remembered } = await serveOperation(find("listCustomers"));
  await get("?search=first");
  const others = Array.from({ length: 999 }, (_, count) => {
    const connection = count === 998 ? "close" : "keep-alive";
    return `GET /api/v1/customers?search=${count} HTTP/1.1\r\nHost: x\r\nConnection: ${connection}\r\n\r\n`;
  });
  await exchangeBytes(port, others.join(""));
  for (const search of ["first", "another", "first"]) await get(`?search=${search}`);
  expect(remembered.slice(1_000)).toEqual([true, false, false]);
});
