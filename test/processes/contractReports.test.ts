/** `distribu contract`: --read-only, --json, and the summary. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { isProvokedByReads, provokedResponses } from "../../server/commands/contractResponses.ts";
import { serve } from "../support/otherServers.ts";
import { runCommand } from "../support/processes.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { temporaryFolder } from "../support/temporaryFolder.ts";

const names = Object.keys(provokedResponses);
const readNames = names.filter(isProvokedByReads);

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());

/** Creates a read-only key of a new company with this many customers. */
async function createReadKey(company: string, customers: number): Promise<string> {
  const key = await server.createKey({ company });
  const client = await server.client(key);
  for (let index = 0; index < customers; index++)
    await client.POST("/customers", { body: { email: `a+${index}@${company}.example` } });
  return server.createKey({ company, scopes: ["customers:read"] });
}

/** Runs the command with `--json`; also returns the parsed output. */
async function runJson(...args: string[]) {
  const ran = await runCommand(["contract", "--json", ...args]);
  return { ...ran, document: JSON.parse(ran.stdout) };
}

describe("contract --json", () => {
  it("contract --json: our server → one document with times, exit code 0", async () => {
    const key = await server.createKey({ company: "json" });
    const { code, stderr, document } = await runJson("--url", server.url, "--key", key);
    expect(stderr).toBe("");
    expect(code).toBe(0);
    expect(document.summary).toMatchObject({
      responses: names.length,
      conforming: names.length,
      differing: 0,
      skipped: 0,
    });
    expect(document.responses.map(({ name }: { name: string }) => name)).toEqual(names);
    for (const { outcome, milliseconds, report } of document.responses) {
      expect([outcome, report]).toEqual(["conforms", ""]);
      expect(milliseconds).toBeGreaterThan(0);
    }
    const operations = document.summary.operations;
    expect(operations.map(({ operation }: { operation: string }) => operation).sort()).toEqual(
      ["any", "createCustomer", "getCustomer", "listCustomers", "updateCustomer"].sort(),
    );
    for (const { medianMilliseconds, maxMilliseconds } of operations)
      expect(medianMilliseconds).toBeLessThanOrEqual(maxMilliseconds);
  });

  it("contract --json: server unreachable → the error in the document, exit code 3", async () => {
    const stopped = await startServer();
    await stopped.stop();
    const { code, document } = await runJson("--url", stopped.url, "--key", "dk_x");
    expect(document).toMatchObject({ responses: [], error: "No response: ECONNREFUSED" });
    expect(code).toBe(3);
  });
});

describe("contract --read-only", () => {
  it("contract --read-only: key with customers:read → only safe methods, exit code 0", async () => {
    const key = await createReadKey("readonly", 2);
    const methods = new Set<string>();
    const url = await serve(async ({ method, url: target, headers }, response) => {
      methods.add(String(method));
      const { host: _, connection: __, ...forwarded } = headers;
      const upstream = await fetch(server.url + target, {
        method: String(method),
        headers: forwarded as Record<string, string>,
        redirect: "manual",
      });
      const { connection: ___, ...received } = Object.fromEntries(upstream.headers);
      response.writeHead(upstream.status, received).end(await upstream.text());
    });
    const { code, document } = await runJson("--url", url, "--key", key, "--read-only");
    expect(document.responses.filter(({ outcome }: { outcome: string }) => outcome !== "conforms")).toEqual(
      [],
    );
    expect(document.responses.map(({ name }: { name: string }) => name)).toEqual(readNames);
    expect(readNames.length).toBeGreaterThan(20);
    expect([...methods].sort()).toEqual(["GET", "HEAD", "OPTIONS"]);
    expect(code).toBe(0);
  });

  it("contract --read-only: company without customers → those responses are skipped", async () => {
    const key = await createReadKey("empty", 0);
    const folder = temporaryFolder();
    onTestFinished(folder.remove);
    const junit = join(folder.path, "report.xml");
    const args = ["--url", server.url, "--key", key, "--read-only", "--junit", junit];
    const { code, stdout } = await runCommand(["contract", ...args]);
    expect(stdout).toMatch(/^skipped +getCustomer 200\n +The company has no customer\.$/m);
    expect(stdout).toMatch(/^OPERATION +RESPONSES +CONFORM +DIFFER +SKIPPED +MEDIAN +SLOWEST$/m);
    expect(stdout).toMatch(/^getCustomer +\d+ +\d+ +0 +3 +\d+ ms +\d+ ms$/m);
    expect(stdout).toContain("; 0 differ; 5 skipped.\n");
    expect(stdout).not.toContain("createCustomer");
    const report = readFileSync(junit, "utf8");
    expect(report).toContain('failures="0" errors="0" skipped="5"');
    expect(report).toContain('<skipped message="The company has no customer."/>');
    expect(code).toBe(0);
  });
});
