/** Clients whose requests are observed, or go through a faulty network. */
import { afterAll, afterEach, beforeAll, expect, vi } from "vitest";
import {
  type CustomersApiError,
  type CustomersClient,
  type CustomersClientOptions,
  createCustomersClient,
  unwrap,
} from "../../client/index.ts";
import { createCheckedFetch } from "../../server/checkedFetch.ts";
import { type Fault, type Network, openNetwork } from "./network.ts";
import { startServer, type TestServer } from "./server.ts";

/** Starts a server for the tests of a file, and returns functions that create clients of it. */
export function setUpClients() {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer();
  });
  afterAll(() => server.stop());
  afterEach(() => {
    vi.useRealTimers();
    vi.restoreAllMocks();
  });

  let companies = 0;

  const newKey = () => server.createKey({ company: `client-${++companies}` });

  /** Creates a client of a new company, and records the requests that it sends. */
  async function createObservedClient(
    options: Partial<CustomersClientOptions> = {},
  ): Promise<{ client: CustomersClient; sent: Request[] }> {
    const sent: Request[] = [];
    const checkedFetch = createCheckedFetch();
    const client = createCustomersClient({
      baseUrl: `${server.url}/api/v1`,
      apiKey: await newKey(),
      fetch(request) {
        sent.push(request.clone());
        return checkedFetch(request);
      },
      ...options,
    });
    return { client, sent };
  }

  /** Creates a client of a new company behind a network with faults, and one without faults to read the result. */
  async function createClientBehind(
    faultsToCome: Fault[] = [],
    options: Partial<CustomersClientOptions> = {},
  ): Promise<{ client: CustomersClient; network: Network; direct: CustomersClient }> {
    const network = await openNetwork(server.url);
    network.faults.push(...faultsToCome);
    const apiKey = await newKey();
    const client = createCustomersClient({ baseUrl: `${network.url}/api/v1`, apiKey, ...options });
    return { client, network, direct: await server.client(apiKey) };
  }

  return { createObservedClient, createClientBehind };
}

export async function listEmails(client: CustomersClient): Promise<string[]> {
  const emails: string[] = [];
  for await (const { email } of client.customers()) emails.push(email);
  return emails;
}

export async function createMany(client: CustomersClient, count: number): Promise<string[]> {
  const emails = Array.from({ length: count }, (_, n) => `buyer${n}@iterate.example`);
  for (const email of emails) await unwrap(client.POST("/customers", { body: { email } }));
  return emails.reverse();
}

/** Returns the CustomersApiError with which a promise rejects. */
export async function catchApiError(promise: Promise<unknown>): Promise<CustomersApiError> {
  const error = await promise.then(
    () => undefined,
    (thrown) => thrown,
  );
  expect(error).toMatchObject({ name: "CustomersApiError" });
  return error;
}

/** Sets the random part of every backoff to the shortest (0) or the longest (1). */
export const fixBackoff = (part: 0 | 1) => vi.spyOn(Math, "random").mockReturnValue(part);

/** Expects all attempts to be the same request, byte for byte. */
export function expectIdenticalAttempts({ attempts }: Network): void {
  for (const sent of attempts) expect(sent).toEqual(attempts[0]);
}
