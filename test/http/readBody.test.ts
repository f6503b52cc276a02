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

/** Sends five bodies of this length in one packet. Returns the iteration of the event loop in which each was parsed. */
async function countIterations(bytes: number): Promise<number[]> {
  let iteration = 0;
  const iterations: number[] = [];
  const respond: Handler = (_request, response) => {
    iterations.push(iteration);
    response.end();
  };
  const url = await serve(express().use(begin, readBody(bytes), respond));
  const send = (headers: string) =>
    `POST / HTTP/1.1\r\nHost: x\r\n${headers}Content-Length: ${bytes}\r\n\r\n${"{}".padEnd(bytes)}`;
  let isOver = false;
  const count = () => {
    iteration++;
    if (!isOver) setImmediate(count);
  };
  count();
  const packet = send("").repeat(4) + send("Connection: close\r\n");
  await exchangeBytes(Number(new URL(url).port), packet).finally(() => (isOver = true));
  return iterations;
}

it("readBody: several bodies over 8 KiB at once → parsed in separate iterations", async () => {
  const iterations = await countIterations(8_193);
  expect(iterations).toHaveLength(5);
  expect(new Set(iterations).size).toBe(5);
});

it("readBody: several bodies of 8 KiB at once → parsed without waiting", async () => {
  const iterations = await countIterations(8_192);
  expect(iterations).toHaveLength(5);
  expect(new Set(iterations).size).toBeLessThan(5);
});
