/** How long the server waits for a request: these tests wait for it. */
import { afterAll, beforeAll, expect, it } from "vitest";
import type { ObservedResponse } from "../../server/contractCheck.ts";
import { buildRequestBytes } from "../support/rawHttp.ts";
import { startServer, type TestServer } from "../support/server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());

const list = "/api/v1/customers";

function expectTimeout(responses: ObservedResponse[]): void {
  expect(responses.map(({ status, body }) => [status, JSON.parse(body)])).toEqual([
    [408, { error: "Request timed out." }],
  ]);
}

it.concurrent("connection: half of the headers → 408", async () => {
  const halves = [`GET ${list} HTTP/1.1\r\nHost: x\r\n`, `GET ${list} HTTP/1.1\r\nHo`, "G"];
  const responses = await Promise.all(
    halves.map((bytes) => server.exchange(bytes, { method: "GET", target: list })),
  );
  for (const response of responses) expectTimeout(response);
});

it.concurrent("connection: incomplete body → 408, nothing is created", async () => {
  const { key, send } = await server.partner();
  const headers = {
    Authorization: `Bearer ${key}`,
    "Content-Type": "application/json",
    "Content-Length": "40",
  };
  const bytes = buildRequestBytes(`POST ${list}`, headers, '{"email":"slow@x.example"}');
  expectTimeout(await server.exchange(bytes));
  expect((await send("GET", "/customers")).body.data).toEqual([]);
});
