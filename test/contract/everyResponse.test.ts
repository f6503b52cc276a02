import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Scope } from "../../generated/messages.ts";
import {
  type ContractClient,
  confirmResponse,
  createContractClient,
  nameResponse,
} from "../../server/commands/contractClient.ts";
import {
  everyOperation,
  forOperations,
  provokedResponses,
  type ResponseName,
  reads,
  writes,
} from "../../server/commands/contractResponses.ts";
import { contract } from "../../server/contract.ts";
import { findOperation, type ObservedResponse } from "../../server/contractCheck.ts";
import { breakSchema, damageDatabase, lockDatabase } from "../support/databaseFaults.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { shorten } from "../support/shorten.ts";

/** Starts a server for one test. */
type Start = typeof startServer;

/**
 * Responses that a client with a key cannot provoke. Together with `provokedResponses`, they cover every operation, status
 * and error message of the contract: omitting one does not compile.
 */
const insideResponses: Record<
  Exclude<ResponseName, keyof typeof provokedResponses>,
  (start: Start) => Promise<ObservedResponse>
> = {
  // First, because it takes ten seconds, during which the others run.
  "any 408 Request timed out.": async (start) =>
    getOnly(await (await start()).exchange("GET /api/v1/customers HTTP/1.1\r\nHost: a\r\n")),
  "any 503 Service temporarily unavailable.": async (start) =>
    getOnly(
      await (await start({ maxQueuedRequests: 0 })).exchange(
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
      ),
    ),
  "any 400 Malformed request.": async (start) => getOnly(await (await start()).exchange("no HTTP\r\n\r\n")),
  "any 431 Request headers are too large.": async (start) =>
    getOnly(
      await (await start()).exchange(`GET /api/v1/customers HTTP/1.1\r\nA: ${"a".repeat(17_000)}\r\n\r\n`),
    ),
  ...forOperations(reads, "403 This API key lacks the customers:read scope.", async (start: Start, id) =>
    (await createApiFor(await start(), ["customers:write"])).call(id),
  ),
  ...forOperations(writes, "403 This API key lacks the customers:write scope.", async (start: Start, id) =>
    (await createApiFor(await start(), ["customers:read"])).call(id),
  ),
  ...forOperations(everyOperation, "429 Rate limit exceeded.", async (start: Start, id) => {
    const api = await createApiFor(await start({ requestsPerMinute: 1 }));
    await api.call(id);
    return api.call(id);
  }),
  ...forOperations(everyOperation, "500 Internal server error.", async (start: Start, id) => {
    const server = await start();
    const api = await createApiFor(server);
    await breakSchema(server);
    return api.call(id);
  }),
  ...forOperations(reads, "503 Service temporarily unavailable.", async (start: Start, id) => {
    const server = await start();
    const api = await createApiFor(server);
    const customer = await api.create();
    await damageDatabase(server);
    return api.call(id, customer);
  }),
  ...forOperations(writes, "503 Service temporarily unavailable.", async (start: Start, id) => {
    const server = await start();
    const api = await createApiFor(server);
    const release = await lockDatabase(server);
    return api.call(id).finally(release);
  }),
};

/** Requirements of the contract beyond the schemas of a response, by status. */
const details: Record<number, (response: ObservedResponse) => void> = {
  201: ({ headers, body }) => expect(headers.location).toBe(`/api/v1/customers/${JSON.parse(body).data.id}`),
  204: ({ headers }) => expect(headers.allow).toBe("GET, HEAD, POST, OPTIONS"),
  401: ({ headers, body }) =>
    expect(headers["www-authenticate"]).toBe(
      body.includes("Missing")
        ? 'Bearer realm="Distribu Customers API"'
        : 'Bearer realm="Distribu Customers API", error="invalid_token"',
    ),
  403: (response) =>
    expect(response.headers["www-authenticate"]).toBe(
      `Bearer realm="Distribu Customers API", error="insufficient_scope", scope="${findOperation(response)?.scope}"`,
    ),
  405: ({ headers }) => expect(headers.allow).toBe("GET, HEAD, POST, OPTIONS"),
  429({ headers, body }) {
    const { retryAfter } = JSON.parse(body);
    expect(headers["retry-after"]).toBe(String(retryAfter));
    expect(retryAfter).toBeGreaterThanOrEqual(1);
    expect(retryAfter).toBeLessThanOrEqual(60);
    expect(headers["ratelimit-remaining"]).toBe("0");
  },
  503: ({ headers, body }) => {
    expect(headers["retry-after"]).toBe("1");
    expect(JSON.parse(body)).not.toHaveProperty("retryAfter");
  },
};

function expectResponse(name: string, response: ObservedResponse): void {
  confirmResponse(name, response);
  details[response.status]?.(response);
}

describe("responses that a key can provoke", () => {
  let server: TestServer;
  let api: ContractClient;
  beforeAll(async () => {
    server = await startServer();
    api = await createApiFor(server);
  });
  afterAll(() => server.stop());

  it.each(addTitles(provokedResponses))("response: %s → conforms", async (_title, name, provoke) => {
    expectResponse(name, await provoke(api));
  });
});

describe.concurrent("responses with another cause", () => {
  it.each(addTitles(insideResponses))("response: %s → conforms", async (_title, name, provoke) => {
    const servers: TestServer[] = [];
    const start: Start = async (options) => {
      const server = await startServer(options);
      servers.push(server);
      return server;
    };
    try {
      expectResponse(name, await provoke(start));
    } finally {
      for (const server of servers) await server.stop();
    }
  });
});

it("response: every status that any request may get → provoked", () => {
  const names = Object.keys({ ...provokedResponses, ...insideResponses });
  const statuses = names.flatMap((name) => /^any (\d+)/.exec(name)?.[1] ?? []);
  expect(Object.keys(contract["x-any-request"].responses)).toEqual([...new Set(statuses)].sort());
});

/** Entries with a title for each. */
function addTitles<Provoke>(responses: Record<string, Provoke>) {
  return Object.entries(responses).map(([name, provoke]) => [shorten(name, 58), name, provoke] as const);
}

async function createApiFor({ url, createKey }: TestServer, scopes?: Scope[]): Promise<ContractClient> {
  return createContractClient({ url, key: await createKey(scopes && { scopes }) });
}

function getOnly(responses: ObservedResponse[]): ObservedResponse {
  expect(responses.map(nameResponse)).toHaveLength(1);
  return responses[0] as ObservedResponse;
}
