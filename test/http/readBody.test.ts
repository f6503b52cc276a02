/** Reading a body, without the API around it. */
import express, { type ErrorRequestHandler } from "express";
import { expect, it } from "vitest";
import { createDeadlines } from "../../server/deadlines.ts";
import { ClientGoneError } from "../../server/errors.ts";
import { Exchange, type Handler } from "../../server/exchange.ts";
import { readBody } from "../../server/requestParsing.ts";
import { serve } from "../support/otherServers.ts";
import { exchangeBytes } from "../support/rawHttp.ts";

const begin: Handler = (request, response, next) => {
  const createDeadline = createDeadlines(1_000, () => {});
  response.locals.exchange = new Exchange(request, response, createDeadline);
  next();
};

it("readBody: client disconnected, or response sent → ClientGoneError", async () => {
  const errors: unknown[] = [];
  const waitForClose: Handler = async (request, response, next) => {
    if (request.url === "/responded") response.end();
    request.on("error", () => {});
    await new Promise((resolve) => request.on("close", resolve));
    next();
  };
  const collect: ErrorRequestHandler = (error, _request, _response, _next) => void errors.push(error);
  const url = await serve(express().use(begin, waitForClose, readBody(100), collect));
  await fetch(`${url}/responded`, { method: "POST", body: "{}" });
  const half = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{";
  await exchangeBytes(Number(new URL(url).port), half, 100);
  await expect.poll(() => errors).toEqual([expect.any(ClientGoneError), expect.any(ClientGoneError)]);
});

/** Sends bodies of this length in one packet, each of a company. Returns the order and the iterations of parsing. */
async function observeParsing(bytes: number, companies: string[]) {
  let iteration = 0;
  const [order, iterations]: [string[], Set<number>] = [[], new Set()];
  const setKey: Handler = (request, response, next) => {
    const none = { id: "", scopes: [], prefix: "", company: "", requestsPerMinute: null };
    response.locals.exchange.key = { ...none, companyId: request.url };
    next();
  };
  const respond: Handler = (request, response) => {
    order.push(request.url.slice(1));
    iterations.add(iteration);
    response.end();
  };
  const url = await serve(express().use(begin, setKey, readBody(bytes), respond));
  let isOver = false;
  const count = () => {
    iteration++;
    if (!isOver) setImmediate(count);
  };
  count();
  const packet = companies.map((company, index) => {
    const connection = index === companies.length - 1 ? "close" : "keep-alive";
    const headers = `Host: x\r\nConnection: ${connection}\r\nContent-Length: ${bytes}\r\n`;
    return `POST /${company} HTTP/1.1\r\n${headers}\r\n${"{}".padEnd(bytes)}`;
  });
  await exchangeBytes(Number(new URL(url).port), packet.join("")).finally(() => (isOver = true));
  return { order: order.join(""), iterations: iterations.size };
}

it("readBody: bodies over 8 KiB at once → one per iteration, companies in turn", async () => {
  const { order, iterations } = await observeParsing(8_193, ["a", "a", "a", "b", "b", "c"]);
  expect([order, iterations]).toEqual(["abcaba", 6]);
});

it("readBody: several bodies of 8 KiB at once → parsed without waiting", async () => {
  const { order, iterations } = await observeParsing(8_192, ["a", "a", "a", "b", "b", "c"]);
  expect(order).toBe("aaabbc");
  expect(iterations).toBeLessThan(6);
});
