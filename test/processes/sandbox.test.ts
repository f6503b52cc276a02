import { describe, expect, it } from "vitest";
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
import type { ObservedResponse } from "../../server/contractCheck.ts";
import type { Customer } from "../../server/operations.ts";
import { sandboxCustomers, sandboxKeys } from "../../server/sandbox/data.ts";
import { serveChecked } from "../support/otherServers.ts";
import { runProgram, type SpawnedServer, spawnServer } from "../support/processes.ts";
import { openConnection, parseResponses } from "../support/rawHttp.ts";
import { unescapeXml } from "../support/unescapeXml.ts";

const spawnSandbox = () => spawnServer({}, "dist/server/sandbox/main.js");

/** The API of a sandbox, with one of its keys. */
function findApi({ url }: SpawnedServer, name: keyof typeof sandboxKeys = "both"): ContractClient {
  return createContractClient({ url, key: sandboxKeys[name].key });
}

/**
 * Responses that need another key than the one with all scopes. Together with `provokedResponses`, they cover the whole
 * contract but the 503 of an overloaded server.
 */
const otherResponses: Record<
  Exclude<ResponseName, keyof typeof provokedResponses | "any 503 Service temporarily unavailable.">,
  (sandbox: SpawnedServer) => Promise<ObservedResponse>
> = {
  ...forOperations(reads, "403 This API key lacks the customers:read scope.", (sandbox: SpawnedServer, id) =>
    findApi(sandbox, "write").call(id),
  ),
  ...forOperations(
    writes,
    "403 This API key lacks the customers:write scope.",
    (sandbox: SpawnedServer, id) => findApi(sandbox, "read").call(id),
  ),
  ...forOperations(everyOperation, "429 Rate limit exceeded.", async (sandbox: SpawnedServer, id) => {
    const api = findApi(sandbox, "limited");
    for (let request = 1; request <= 5; request++) await api.call(id);
    return api.call(id);
  }),
  ...forOperations(everyOperation, "500 Internal server error.", (sandbox: SpawnedServer, id) =>
    findApi(sandbox, "broken").call(id),
  ),
  ...forOperations(everyOperation, "503 Service temporarily unavailable.", (sandbox: SpawnedServer, id) =>
    findApi(sandbox, "unavailable").call(id),
  ),
  "any 400 Malformed request.": (sandbox) => exchange(sandbox, "no HTTP\r\n\r\n"),
  "any 408 Request timed out.": (sandbox) => exchange(sandbox, "GET / HTTP/1.1\r\nHost: a\r\n"),
  "any 431 Request headers are too large.": (sandbox) =>
    exchange(sandbox, `GET / HTTP/1.1\r\nA: ${"a".repeat(17_000)}\r\n\r\n`),
};

async function exchange({ port }: SpawnedServer, bytes: string): Promise<ObservedResponse> {
  const connection = await openConnection(port);
  connection.send(bytes);
  return parseResponses(await connection.closed, "GET", "/")[0] as ObservedResponse;
}

describe("sandbox", () => {
  it("sandbox: its keys → every response of the contract", async () => {
    const sandbox = await spawnSandbox();
    const api = findApi(sandbox);
    for (const [name, provoke] of Object.entries(provokedResponses))
      confirmResponse(name, await provoke(api));
    for (const [name, provoke] of Object.entries(otherResponses))
      confirmResponse(name, await provoke(sandbox));
  });

  it.each([
    ["both", 200, 404],
    ["read", 200, 403],
    ["write", 403, 404],
    ["revoked", 401, 401],
    ["expired", 401, 401],
    ["limited", 200, 404],
    ["another", 200, 404],
    ["broken", 500, 500],
    ["unavailable", 503, 503],
  ] as const)(
    "sandbox: key %s → %i to a read, %i to a write of an unknown customer",
    async (name, read, write) => {
      const api = findApi(await spawnSandbox(), name);
      expect((await api.call("listCustomers")).status).toBe(read);
      expect((await api.call("updateCustomer")).status).toBe(write);
      expect(sandboxKeys[name].key).toMatch(/^dk_sandbox_\w{35}$/);
    },
  );

  it("sandbox: rate limits → 5 a minute for one key, 600 for another", async () => {
    const sandbox = await spawnSandbox();
    const limited = findApi(sandbox, "limited");
    const statuses: number[] = [];
    for (let request = 1; request <= 6; request++)
      statuses.push((await limited.call("listCustomers")).status);
    expect(statuses).toEqual([200, 200, 200, 200, 200, 429]);
    expect((await limited.call("getCustomer")).headers["ratelimit-limit"]).toBe("5");
    expect((await findApi(sandbox).call("listCustomers")).headers["ratelimit-limit"]).toBe("600");
  });

  it("sandbox: started twice → same customers, companies separate", async () => {
    const iterations = await Promise.all(
      [1, 2].map(async () => {
        const sandbox = await spawnSandbox();
        return {
          sandbox: await listAll(findApi(sandbox)),
          another: await listAll(findApi(sandbox, "another")),
        };
      }),
    );
    expect(iterations[0]).toEqual(iterations[1]);
    const { sandbox, another } = iterations[0] as (typeof iterations)[0];
    expect(sandbox.map(({ id }) => id)).toEqual(sandboxCustomers.sandbox.map(({ id }) => id).reverse());
    expect(another.map(({ id }) => id)).toEqual(sandboxCustomers.another.map(({ id }) => id).reverse());
    expect(sandbox.length + another.length).toBe(300);
    expect(new Set(sandbox.map(({ status }) => status))).toEqual(new Set(["ACTIVE", "BLOCKED"]));
    // The first generated customer, so that a changed ID or time is noticed here.
    expect(sandbox.at(-2)).toMatchObject({
      id: "019b8d2b-8c00-7000-8000-03eaf436f29f",
      email: "buyer.000@sandbox.example",
      createdAt: "2026-01-05T08:00:00.000Z",
    });
    expect(sandbox.at(-1)).toEqual(contract.components.examples.customer.value.data);
    for (const name of ["🍞".repeat(200), "Ho\u0308lle & So\u0308hne GmbH", "\u202Eolleh", null])
      expect(
        sandbox.some((customer) => customer.name === name),
        String(name),
      ).toBe(true);
    expect(sandbox.some(({ createdAt, updatedAt }) => createdAt < updatedAt)).toBe(true);
  });

  it("sandbox: SIGTERM → created customers are gone, exit code 0", async () => {
    const first = await spawnSandbox();
    const { email } = await findApi(first).create();
    first.process.kill("SIGTERM");
    expect(await first.exited).toBe(0);
    const { body } = await findApi(await spawnSandbox()).call("listCustomers", { query: `?search=${email}` });
    expect(JSON.parse(body).data).toEqual([]);
  });

  it("sandbox: start → prints its keys and the start page", async () => {
    const sandbox = await spawnSandbox();
    await expect.poll(() => sandbox.output()).toContain(`Requests to try with them: ${sandbox.url}/\n`);
    for (const { key, meaning } of Object.values(sandboxKeys))
      expect(sandbox.output()).toContain(`\n  ${key}  ${meaning}\n`);
  });
});

describe("start page", () => {
  it("start page: content → every key, its own files, strict policy", async () => {
    const sandbox = await spawnSandbox();
    const response = await fetch(sandbox.url);
    const policy = String(response.headers.get("content-security-policy"));
    expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'");
    expect(policy).not.toMatch(/unsafe|\*/);
    const page = await response.text();
    for (const { key } of Object.values(sandboxKeys)) expect(page).toContain(`<code>${key}</code>`);
    const links = [...page.matchAll(/ (?:href|src)="(\/[^"]*)"/g)].map(([, link]) => link as string);
    expect(links).toEqual(["/sandbox/page.css", "/sandbox/pageScript.js", "/docs"]);
    for (const link of [...links, "/sandbox/codeSamples.js"])
      expect((await fetch(sandbox.url + link)).status, link).toBe(200);
    const head = await fetch(sandbox.url, { method: "HEAD" });
    expect(head.status).toBe(200);
    expect(await head.text()).toBe("");
  });

  it("start page: its curl commands, in any order, twice → the responses shown", async () => {
    const sandbox = await spawnSandbox();
    const seen: ObservedResponse[] = [];
    const url = await serveChecked(sandbox.url, (response) => seen.push(response));
    const page = await (await fetch(sandbox.url)).text();
    const shown = [...page.matchAll(/data-response="([^"]*)".*?<pre><code>(.*?)<\/code><\/pre>/gs)].map(
      ([, name, curl]) => ({ name: unescapeXml(name as string), curl: unescapeXml(curl as string) }),
    );
    expect(shown.length).toBeGreaterThan(40);
    for (const { name, curl } of [...shown, ...shown.toReversed()]) {
      // The proxy itself would reject headers that are too large.
      const isTooLarge = name.startsWith("any 431");
      const ended = await runProgram("bash", ["-ec", isTooLarge ? curl : curl.replaceAll(sandbox.url, url)]);
      expect(ended.code, ended.stderr).toBe(0);
      if (isTooLarge)
        expect(ended.stdout).toMatch(/^HTTP\/1\.1 431 .*\{"error":"Request headers are too large\."\}$/s);
      else confirmResponse(name, seen.at(-1) as ObservedResponse);
    }
    /** Returns the status and the error message, without operation and remark. */
    const nameStatus = (name: string) => name.replace(/^\w+ /, "").replace(/ \([^()]*\)$/, "");
    const provoked = new Set(shown.map(({ name }) => nameStatus(name)));
    const described = Object.keys({ ...provokedResponses, ...otherResponses })
      .map(nameStatus)
      .filter((response) => !response.startsWith("408 "));
    expect([...provoked].sort()).toEqual([...new Set(described)].sort());
  });

  it("start page: its keys → those of the contract", () => {
    const named = (contract.info.description as string).match(/\bdk_sandbox_\w+/g);
    expect([...new Set(named)]).toEqual(Object.values(sandboxKeys).map(({ key }) => key));
  });
});

/** Lists every customer of a key's company, in order. */
async function listAll(api: ContractClient): Promise<Customer[]> {
  const customers: Customer[] = [];
  for (let cursor = ""; cursor !== null; ) {
    const response = await api.call("listCustomers", { query: `?limit=100&cursor=${cursor}` });
    expect(nameResponse(response)).toBe("listCustomers 200");
    const { data, pagination } = JSON.parse(response.body);
    customers.push(...data);
    cursor = pagination.nextCursor;
  }
  return customers;
}
