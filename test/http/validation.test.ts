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

/** Serves an operation without a body. Collects the validated queries, and returns the status of a response. */
async function serveOperation(operation: Operation) {
  const queries: unknown[] = [];
  const begin: Handler = (request, response, next) => {
    const exchange = new Exchange(
      request,
      response,
      createDeadlines(1_000, () => {}),
    );
    exchange.path = request.params;
    exchange.query = Object.fromEntries(new URL(request.url, "http://x").searchParams);
    response.locals.exchange = exchange;
    next();
  };
  const collect: Handler = (_request, response) => {
    queries.push(response.locals.exchange.query);
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
  return { get, queries, port: Number(new URL(url).port) };
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
  const { get, queries } = await serveOperation(find("getCustomer"));
  for (const id of ["one", "two"]) expect(await get(`/${id}`)).toEqual([200, ""]);
  expect(queries[1]).toBe(queries[0]);
});

it("validation: HEAD before any GET → 200", async () => {
  const { get } = await serveOperation(find("getCustomer"));
  expect(await get("/one", { method: "HEAD" })).toEqual([200, ""]);
});

it("validation: the same query again → remembered, unless it is long", async () => {
  const { get, queries } = await serveOperation(find("listCustomers"));
  const long = "x".repeat(200);
  for (const search of ["a", "a", long, long]) await get(`?search=${search}`);
  expect(queries).toEqual(["a", "a", long, long].map((search) => ({ limit: 50, search })));
  expect(queries[1]).toBe(queries[0]);
  expect(queries[3]).not.toBe(queries[2]);
});

it("validation: 1,000 other queries → the first is forgotten", async () => {
  const { get, port, queries } = await serveOperation(find("listCustomers"));
  await get("?search=first");
  const others = Array.from({ length: 999 }, (_, count) => {
    const connection = count === 998 ? "close" : "keep-alive";
    return `GET /api/v1/customers?search=${count} HTTP/1.1\r\nHost: x\r\nConnection: ${connection}\r\n\r\n`;
  });
  await exchangeBytes(port, others.join(""));
  await get("?search=first");
  expect(queries[1_000]).toBe(queries[0]);
  await get("?search=another");
  await get("?search=first");
  expect(queries[1_002]).toEqual(queries[0]);
  expect(queries[1_002]).not.toBe(queries[0]);
});
