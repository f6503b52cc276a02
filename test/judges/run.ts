/**
 * Tests the contract and the server with tools of others: Spectral lints the contract, Portman runs the tests that it
 * generates from the contract, newman runs the Postman collection of the documentation, Prism's mock must respond with
 * its examples, and the HTTP suite runs with Prism's validating proxy in front of every server. Exits with 1 if one of
 * them finds a problem.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { isDeepStrictEqual } from "node:util";
import { contract } from "../../server/contract.ts";
import { runPortman } from "./portman.ts";
import { runPostmanCollection } from "./postman.ts";
import { startMock, startProxy } from "./prism.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

// biome-ignore lint/suspicious/noExplicitAny: a part of the contract
type Part = any;

/** The problems found, one per line; empty if there are none. */
type Failures = string[];

async function lintWithSpectral(): Promise<Failures> {
  const code = await run("test/judges/node_modules/.bin/spectral", [
    "lint",
    "openapi/openapi.yaml",
    "--ruleset=test/judges/spectral.yaml",
    "--fail-severity=hint",
  ]);
  return code === 0 ? [] : [`Spectral exited with code ${code}`];
}

/** Requests every example of every operation from the mock, with requests built from the contract's examples. */
async function testMock(): Promise<Failures> {
  const { mock, url } = await startMock();
  const failures: Failures = [];
  let responses = 0;
  for (const [path, item] of Object.entries<Part>(contract.paths)) {
    for (const [method, operation] of Object.entries<Part>(item)) {
      if (!operation.operationId) continue;
      for (const [status, response] of Object.entries<Part>(operation.responses)) {
        const examples = response.content?.["application/json"].examples ?? { "": undefined };
        for (const [name, example] of Object.entries<Part>(examples)) {
          const prefer = name === "" ? `code=${status}` : `code=${status}, example=${name}`;
          const request = buildRequest(url, path, method, [
            ...(item.parameters ?? []),
            ...(operation.parameters ?? []),
          ]);
          request.headers.set("Prefer", prefer);
          const received = await fetch(request, buildBody(operation));
          const text = await received.text();
          responses++;
          const isRight =
            received.status === Number(status) &&
            !received.headers.has("sl-violations") &&
            (example ? isDeepStrictEqual(JSON.parse(text), example.value) : text === "");
          if (!isRight) failures.push(`${operation.operationId}, ${prefer}: ${received.status} ${text}`);
        }
      }
    }
  }
  await mock.close();
  console.log(`Prism's mock returned ${responses - failures.length} of ${responses} examples.`);
  return failures;
}

function buildRequest(url: string, path: string, method: string, parameters: Part[]): Request {
  const target = new URL(url + path);
  const headers = new Headers({ Authorization: "Bearer dk_mock" });
  for (const { name, in: place, example } of parameters) {
    if (place === "path") target.pathname = target.pathname.replace(encodeURI(`{${name}}`), example);
    else if (place === "query") target.searchParams.set(name, example);
    else headers.set(name, example);
  }
  return new Request(target, { method: method.toUpperCase(), headers });
}

function buildBody({ requestBody }: Part): RequestInit {
  if (!requestBody) return {};
  const [mediaType, { examples }] = Object.entries<Part>(requestBody.content)[0] as [string, Part];
  const [example] = Object.values<Part>(examples);
  return { body: new Blob([JSON.stringify(example.value)], { type: mediaType }) };
}

/** Verifies that the proxy detects a response that does not conform. */
async function testProxyDetection(): Promise<Failures> {
  const upstream = createServer((_request, response) =>
    response.writeHead(200, { "Content-Type": "application/json" }).end('{"data":[{"id":1}]}'),
  );
  await new Promise<void>((resolve) => upstream.listen(0, "127.0.0.1", resolve));
  const { port } = upstream.address() as AddressInfo;
  const { proxy, url } = await startProxy(`http://127.0.0.1:${port}`);
  const response = await fetch(`${url}/customers`, { headers: { Authorization: "Bearer dk_any" } });
  await response.text();
  await proxy.close();
  upstream.close();
  const found = response.headers.get("sl-violations") ?? "";
  return ["pagination", "data.0.id", "x-request-id"]
    .filter((wrong) => !found.includes(wrong))
    .map((wrong) => `Prism's proxy did not detect the violation of ${wrong}`);
}

async function runSuiteThroughProxy(): Promise<Failures> {
  const folder = mkdtempSync(join(tmpdir(), "distribu-prism-"));
  const file = join(folder, "counts");
  const code = await run(
    "node_modules/.bin/vitest",
    ["run", "--config", "test/judges/vitest.config.ts", ...process.argv.slice(2)],
    { PRISM_COUNTS_FILE: file },
  );
  const files = readFileSync(file, "utf8").trim().split("\n");
  rmSync(folder, { recursive: true });
  const total = { validated: 0, skipped: 0, violations: [] as string[] };
  for (const { validated, skipped, violations } of files.map((line) => JSON.parse(line))) {
    total.validated += validated;
    total.skipped += skipped;
    total.violations.push(...violations);
  }
  console.log(
    `Prism's proxy validated ${total.validated} responses and found ${total.violations.length} violations; ` +
      `${total.skipped} more belong to no operation.`,
  );
  if (total.validated === 0) total.violations.push("no request of the suite went through Prism");
  if (code !== 0) total.violations.push(`the suite exited with code ${code}`);
  return total.violations;
}

/** Runs a command of the project with its output shown. Returns its exit code. */
async function run(command: string, args: string[], variables: Record<string, string> = {}): Promise<number> {
  const child = spawn(command, args, { cwd: root, env: { ...process.env, ...variables }, stdio: "inherit" });
  const [code] = await once(child, "close");
  return code;
}

const checks: Record<string, () => Promise<Failures>> = {
  "Spectral lints the contract": lintWithSpectral,
  "Portman's generated tests pass on the sandbox": runPortman,
  "The documentation's Postman collection runs on the sandbox": runPostmanCollection,
  "Prism's mock returns the examples of every operation": testMock,
  "Prism's proxy detects an invalid response": testProxyDetection,
  "Prism's proxy finds no violation in the HTTP suite": runSuiteThroughProxy,
};

let failed = 0;
const results: string[] = [];
for (const [name, check] of Object.entries(checks)) {
  const failures = await check();
  if (failures.length > 0) failed++;
  results.push([`${failures.length === 0 ? "passed" : "FAILED"}: ${name}`, ...failures].join("\n  "));
}
console.log(`\n${results.join("\n")}\n\n${results.length - failed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
