/** Reading a body, without the API around it. */
import { setTimeout as sleep } from "node:timers/promises";
import express, { type ErrorRequestHandler } from "express";
import { expect, it } from "vitest";
import { createDeadlines } from "../../server/deadlines.ts";
import { ClientGoneError } from "../../server/errors.ts";
import { Exchange, type Handler } from "../../server/exchange.ts";
import { readBody } from "../../server/requestParsing.ts";
import { serve } from "../support/otherServers.ts";
import { exchangeBytes, openConnection } from "../support/rawHttp.ts";

const begin: Handler = (request, response, next) => {
  const createDeadline = createDeadlines(1_000, () => {});
  response.locals.exchange = new Exchange(request, response, createDeadline);
  next();
};

it("readBody: client disconnected, or response sent → ClientGoneError", async () => {
  const errors: unknown[] = [];
  const waitForClose: Handler = async (request, response, next) => {
    if (request.url === "/receiving") return next();
    if (request.url === "/responded") response.end();
    await new Promise((resolve) => request.on("close", resolve));
    next();
  };
  const collect: ErrorRequestHandler = (error, _request, _response, _next) => void errors.push(error);
  const url = await serve(express().use(begin, waitForClose, readBody(100), collect));
  await fetch(`${url}/responded`, { method: "POST", body: "{}" });
  const half = " HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{";
  for (const path of ["/gone", "/receiving"])
    await exchangeBytes(Number(new URL(url).port), `POST ${path}${half}`, 100);
  await expect.poll(() => errors).toEqual(Array(3).fill(expect.any(ClientGoneError)));
});

it("readBody: body already read → an error that says what to change", async () => {
  const errors: unknown[] = [];
  const collect: ErrorRequestHandler = (error, _request, response, _next) => {
    errors.push(error);
    response.end();
  };
  const url = await serve(express().use(begin, express.json(), readBody(100), collect));
  await fetch(url, { method: "POST", body: "{}", headers: { "Content-Type": "application/json" } });
  expect(errors).toEqual([
    expect.objectContaining({ message: expect.stringContaining("before body parsers") }),
  ]);
});

it("readBody: deadline → does not run while the body arrives, then runs again", async () => {
  const expired: string[] = [];
  const createDeadline = createDeadlines(200, (exchange: Exchange) =>
    expired.push(exchange.request.url ?? ""),
  );
  const beginWithDeadline: Handler = (request, response, next) => {
    response.locals.exchange = new Exchange(request, response, createDeadline);
    response.locals.exchange.deadline.start();
    next();
  };
  const respond: Handler = async (request, response) => {
    if (request.url === "/slow-handler") await sleep(400);
    response.locals.exchange.deadline.stop();
    response.end();
  };
  const url = await serve(express().use(beginWithDeadline, readBody(100), respond));
  const connection = await openConnection(Number(new URL(url).port));
  const headers = "Host: x\r\nConnection: close\r\nContent-Length: 2\r\n";
  connection.send(`POST /slow-body HTTP/1.1\r\n${headers}\r\n{`);
  await sleep(400);
  connection.send("}");
  await connection.closed;
  await fetch(`${url}/slow-handler`, { method: "POST", body: "{}" });
  expect(expired).toEqual(["/slow-handler"]);
});

it("readBody: response sent while a large body waits for its turn → not parsed", async () => {
  const exchanges: Exchange[] = [];
  const collect: Handler = (_request, response, next) => {
    exchanges.push(response.locals.exchange);
    next();
  };
  const performed: string[] = [];
  const respond: Handler = (request, response) => {
    performed.push(request.url);
    exchanges[1]?.send(503, {});
    response.end();
  };
  const url = await serve(express().use(begin, collect, readBody(9_000), respond));
  await sendAtOnce(url, 9_000, ["first", "second"]);
  expect(performed).toEqual(["/first"]);
});

/** Sends bodies of this length in one packet, each to a path. */
function sendAtOnce(url: string, bytes: number, paths: string[]) {
  const packet = paths.map((path, index) => {
    const connection = index === paths.length - 1 ? "close" : "keep-alive";
    const headers = `Host: x\r\nConnection: ${connection}\r\nContent-Length: ${bytes}\r\n`;
    return `POST /${path} HTTP/1.1\r\n${headers}\r\n${"{}".padEnd(bytes)}`;
  });
  return exchangeBytes(Number(new URL(url).port), packet.join(""));
}

/**
 * Sends bodies of this length at once, each for a company. Returns the order in which they were parsed, and the number
 * of iterations.
 */
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
  await sendAtOnce(url, bytes, companies).finally(() => (isOver = true));
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
