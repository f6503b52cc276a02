import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { provokedResponses } from "../../server/commands/contractResponses.ts";
import { serve } from "../support/otherServers.ts";
import { runCommand } from "../support/processes.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { temporaryFolder } from "../support/temporaryFolder.ts";
import { unescapeXml } from "../support/unescapeXml.ts";

const count = Object.keys(provokedResponses).length;

function runContract(...args: string[]) {
  return runCommand(["contract", ...args]);
}

describe("contract", () => {
  let server: TestServer;
  let key: string;
  beforeAll(async () => {
    server = await startServer();
    key = await server.createKey();
  });
  afterAll(() => server.stop());

  it("contract: our server → announces that it creates customers, exit code 0", async () => {
    const { code, stdout, stderr } = await runContract("--url", server.url, "--key", key);
    expect(stderr).toBe("");
    expect(stdout).toMatch(/This creates customers .*\n\nconforms /);
    expect(stdout).toMatch(
      /^conforms +\d+ ms {2}createCustomer 409 A customer with this email already exists\.$/m,
    );
    expect(stdout.match(/^conforms /gm)).toHaveLength(count);
    expect(stdout).toContain(`\n${count} of ${count} responses conform to the contract; 0 differ.\n`);
    expect(code).toBe(0);
  });

  it("contract: URL with /api/v1, headers of a proxy → no difference", async () => {
    const proxy = await serveChanged(server.url, (text) => text, { Via: "1.1 proxy" });
    const { code } = await runContract("--url", `${proxy}/api/v1/`, "--key", key);
    expect(code).toBe(0);
  });

  it("contract: a differing response → contract and response, exit code 1", async () => {
    const proxy = await serveChanged(server.url, (text) =>
      text.replace("Customer not found.", "No such customer.").replace('"field":"cursor"', '"field":"page"'),
    );
    const { code, stdout } = await runContract("--url", proxy, "--key", key);
    expect([...stdout.matchAll(/^differs +\d+ ms {2}(.*)$/gm)].map(([, name]) => name)).toEqual([
      "listCustomers 400 Invalid cursor.",
      "getCustomer 404 Customer not found.",
      "updateCustomer 404 Customer not found.",
    ]);
    expect(stdout).toMatch(
      /body\/error\n +- contract: Customer not found\.\n +\+ response: No such customer\.\n/,
    );
    expect(stdout).toMatch(/body\/field\n +- contract: cursor\n +\+ response: page\n/);
    expect(stdout).toContain(`\n${count - 3} of ${count} responses conform to the contract; 3 differ.\n`);
    expect(code).toBe(1);
  });

  it("contract: --junit → a case for each response, valid XML", async () => {
    const junit = createReportPath();
    const { code } = await runContract("--url", server.url, "--key", key, "--junit", junit);
    const cases = parseCases(readFileSync(junit, "utf8"), { tests: count, failures: 0, errors: 0 });
    expect(cases.map(({ name }) => name)).toEqual(Object.keys(provokedResponses));
    expect(new Set(cases.map(({ content }) => content))).toEqual(new Set([""]));
    expect(code).toBe(0);

    const proxy = await serveChanged(server.url, (text) =>
      text.replace('"Customer not found."', '<b class="x">No & no ]]></b>\u0001\uD800\uFFFE'),
    );
    const changed = await runContract("--url", proxy, "--key", key, "--junit", junit);
    expect(changed.code).toBe(1);
    const found = parseCases(readFileSync(junit, "utf8"), { tests: count, failures: 2, errors: 0 });
    const failed = found.filter(({ content }) => content !== "");
    expect(failed.map(({ name }) => name)).toEqual([
      "getCustomer 404 Customer not found.",
      "updateCustomer 404 Customer not found.",
    ]);
    expect(failed[0]?.content).toContain("- contract: JSON\n");
    expect(failed[0]?.content).toContain(
      '+ response: {"error":<b class="x">No & no ]]></b>\uFFFD\uFFFD\uFFFD}',
    );
  });

  it("contract: --junit, server unreachable → an error in the report, exit code 3", async () => {
    const stopped = await startServer();
    await stopped.stop();
    const junit = createReportPath();
    const { code } = await runContract("--url", stopped.url, "--key", key, "--junit", junit);
    const cases = parseCases(readFileSync(junit, "utf8"), { tests: 1, failures: 0, errors: 1 });
    expect(cases[0]?.content).toBe('<error message="No response: ECONNREFUSED"/>');
    expect(code).toBe(3);
  });

  it("contract: key without a scope → names the missing responses", async () => {
    const readOnly = await server.createKey({ scopes: ["customers:read"] });
    const { code, stdout } = await runContract("--url", server.url, "--key", readOnly);
    expect(stdout).toMatch(/^differs +\d+ ms {2}createCustomer 201$/m);
    expect(stdout).toContain("response: createCustomer 403 This API key lacks the customers:write scope.");
    expect(code).toBe(1);
  });

  it("contract: an HTML page for every request → every response differs", async () => {
    const url = await serve((_request, response) =>
      response.writeHead(200, { "Content-Type": "text/html" }).end(),
    );
    const { code, stdout } = await runContract("--url", url, "--key", key);
    expect(stdout).not.toMatch(/^conforms /m);
    expect(stdout).toContain(`\n0 of ${count} responses conform to the contract; ${count} differ.\n`);
    expect(code).toBe(1);
  });

  it("contract: server unreachable → one line, exit code 3", async () => {
    const stopped = await startServer();
    await stopped.stop();
    const { code, stderr } = await runContract("--url", stopped.url, "--key", key);
    expect(stderr).toBe("No response: ECONNREFUSED\n");
    expect(code).toBe(3);
  });

  it.each([
    ["no address", ["--key", "dk_x"], "required option '--url <url>' not specified"],
    ["an invalid URL", ["--url", "distribu.app", "--key", "dk_x"], "'--url <url>' argument '"],
    ["no key", ["--url", "http://127.0.0.1:9"], "required option '--key <key>' not specified"],
    [
      "an unknown option",
      ["--url", "http://127.0.0.1:9", "--key", "dk_x", "--urls", "x"],
      "unknown option '--urls' (Did you mean --url?)",
    ],
    [
      "a report that it cannot write",
      ["--url", "http://127.0.0.1:9", "--key", "dk_x", "--junit", "/no/folder/report.xml"],
      "--junit cannot be written: ENOENT",
    ],
    ["an extra argument", ["--url", "http://127.0.0.1:9", "--key", "dk_x", "more"], "too many arguments"],
  ])("contract: %s → one line, exit code 2", async (_title, args, message) => {
    const { code, stdout, stderr } = await runContract(...args);
    expect(stderr).toContain(message);
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
    expect(stdout).toBe("");
    expect(code).toBe(2);
  });

  it("contract: --help → the usage and every exit code, exit code 0", async () => {
    const { code, stdout } = await runContract("--help");
    expect(stdout).toContain("Usage: distribu contract [options]");
    expect(stdout.replace(/\s+/g, " ")).toContain("it creates customers in the key's company");
    for (const exitCode of [0, 1, 2, 3]) expect(stdout).toMatch(new RegExp(`^  ${exitCode}  `, "m"));
    expect(code).toBe(0);
  });
});

/** Creates a path for a report. */
function createReportPath(): string {
  const folder = temporaryFolder();
  onTestFinished(folder.remove);
  return join(folder.path, "report.xml");
}

/** Parses the cases of a JUnit report, which must be well-formed XML 1.0 with these counts. */
function parseCases(xml: string, counts: Record<string, number>): { name: string; content: string }[] {
  const text = String.raw`(?:[^<>&"\u0000-\u0008\uD800-\uDFFF\uFFFE]|&(?:amp|lt|gt|quot);)*`;
  const attributes = Object.entries(counts)
    .map(([name, value]) => `${name}="${value}"`)
    .join(" ");
  const seconds = String.raw`\d+\.\d{3}`;
  const totals = `${attributes} skipped="0" time="${seconds}"`;
  const [head, suites, suite, rest] = [
    String.raw`<\?xml version="1\.0" encoding="UTF-8"\?>`,
    `<testsuites ${totals}>`,
    String.raw`<testsuite name="${text}" timestamp="[\d:.TZ-]{24}" ${totals}>`,
    "</testsuite>\n</testsuites>\n",
  ];
  const content = `<failure message="${text}">${text}</failure>|<error message="${text}"/>`;
  const one = String.raw`<testcase classname="\w+" name="(${text})" time="${seconds}"(?:/>|>(${content})</testcase>)\n`;
  const whole = new RegExp(
    `^${head}\n${suites}\n${suite}\n(?:${one.replace(/\((?!\?)/g, "(?:")})*${rest}$`,
    "u",
  );
  expect(xml).toMatch(whole);
  return [...xml.matchAll(new RegExp(one, "gu"))].map(([, name, inner]) => ({
    name: unescapeXml(name as string),
    content: unescapeXml(inner ?? ""),
  }));
}

/** Starts a proxy that changes the bodies of the responses. */
function serveChanged(
  target: string,
  change: (text: string) => string,
  added: Record<string, string> = {},
): Promise<string> {
  return serve(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const { host: _, connection: __, "transfer-encoding": ___, ...headers } = request.headers;
    const upstream = await fetch(target + request.url, {
      method: String(request.method),
      headers: headers as Record<string, string>,
      ...(chunks.length > 0 && { body: Buffer.concat(chunks) }),
    });
    const { "content-length": ____, connection: _____, ...kept } = Object.fromEntries(upstream.headers);
    response.writeHead(upstream.status, { ...kept, ...added }).end(change(await upstream.text()));
  });
}
