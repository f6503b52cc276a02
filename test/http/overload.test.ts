/** A server with more requests than it can begin. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ObservedResponse } from "../../server/contractCheck.ts";
import { buildRequestBytes } from "../support/rawHttp.ts";
import { startServer, type TestServer } from "../support/server.ts";

const list = "/api/v1/customers";
const keepAlive = { Connection: "keep-alive" };

describe("overload", () => {
  let server: TestServer;
  beforeAll(async () => {
    // No request may be queued.
    server = await startServer({ maxQueuedRequests: 0 });
  });
  afterAll(() => server.stop());

  it("overload: HEAD, with the caller's ID → 503 without a body, logged", async () => {
    const [response] = await server.exchange(
      buildRequestBytes(`HEAD ${list}?q=secret`, { "X-Request-Id": "mine" }),
      {
        method: "HEAD",
        target: list,
      },
    );
    expect(response).toMatchObject({ status: 503, body: "" });
    expect(response?.headers).toMatchObject({ "retry-after": "1", "x-request-id": "mine" });
    expect(server.logLines).toContainEqual(
      expect.objectContaining({ requestId: "mine", method: "HEAD", status: 503 }),
    );
    expect(JSON.stringify(server.logLines)).not.toContain(list);
    expect(server.logLines).toContainEqual(expect.objectContaining({ level: 40, msg: "overloaded" }));
  });

  it("overload: body → not parsed as the next request", async () => {
    const body = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
    const headers = { ...keepAlive, "Content-Length": String(body.length) };
    const responses = await server.exchange(
      Buffer.concat([buildRequestBytes(`POST ${list}`, headers, body), buildRequestBytes(`GET ${list}`)]),
      { method: "POST", target: list },
    );
    expect(getStatuses(responses)).toEqual([503, 503]);
  });

  it("overload: Expect: 100-continue → 503, connection closed", async () => {
    const headers = { ...keepAlive, "Content-Length": "10", Expect: "100-continue" };
    const responses = await server.exchange(buildRequestBytes(`POST ${list}`, headers), {
      method: "POST",
      target: list,
    });
    expect(getStatuses(responses)).toEqual([503]);
  });

  it.each(["/healthz", "/readyz"])("overload: %s → 200", async (path) => {
    expect((await server.fetch(path)).status).toBe(200);
  });
});

function getStatuses(responses: ObservedResponse[]): number[] {
  return responses.map(({ status }) => status);
}
