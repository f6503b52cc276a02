/**
 * Tests the contract and the server with tools of others: Spectral lints the contract, Portman runs the tests that it
 * generates from the contract, Prism's mock must respond with its examples, and the HTTP suite runs with Prism's
 * validating proxy in front of every server. Exits with 1 if one of them finds a problem.
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
import { startMock, startProxy } from "./prism.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

// biome-ignore lint/suspicious/noExplicitAny: a part of the contract
type Part = any;

/** What is wrong, a line each; empty where nothing is. */
type Failures = string[];

async function lintWithSpectral(): Promise<Failures> {
  const code = await run("test/judges/node_modules/.bin/spectral", [
    "lint",
    "openapi/openapi.yaml",
    "--ruleset=test/judges/spectral.yaml",
    "--fail-severity=hint",
  ]);
  return code === 0 ? [] : [`Spectral ended with ${code}`];
}

/** Asks the mock for every example of every operation, by a request made of the contract's examples. */
async function askMock(): Promise<Failures> {
  const { mock, url } = await startMock();
  const failures: Failures = [];
  let answers = 0;
  for (const [path, item] of Object.entries<Part>(contract.paths)) {
    for (const [method, operation] of Object.entries<Part>(item)) {
      if (!operation.operationId) continue;
      for (const [status, response] of Object.entries<Part>(operation.responses)) {
        const examples = response.content?.["application/json"].examples ?? { "": undefined };
        for (const [name, example] of Object.entries<Part>(examples)) {
          const prefer = name === "" ? `code=${status}` : `code=${status}, example=${name}`;
          const request = requestOf(url, path, method, [
            ...(item.parameters ?? []),
            ...(operation.parameters ?? []),
          ]);
          request.headers.set("Prefer", prefer);
          const answer = await fetch(request, bodyOf(operation));
          const text = await answer.text();
          answers++;
          const isRight =
            answer.status === Number(status) &&
            !answer.headers.has("sl-violations") &&
            (example ? isDeepStrictEqual(JSON.parse(text), example.value) : text === "");
          if (!isRight) failures.push(`${operation.operationId}, ${prefer}: ${answer.status} ${text}`);
        }
      }
    }
  }
  await mock.close();
  console.log(`Prism's mock gave ${answers - failures.length} of ${answers} examples.`);
  return failures;
}

function requestOf(url: string, path: string, method: string, parameters: Part[]): Request {
  const target = new URL(url + path);
  const headers = new Headers({ Authorization: "Bearer dk_mock" });
  for (const { name, in: place, example } of parameters) {
    if (place === "path") target.pathname = target.pathname.replace(encodeURI(`{${name}}`), example);
    else if (place === "query") target.searchParams.set(name, example);
    else headers.set(name, example);
  }
  return new Request(target, { method: method.toUpperCase(), headers });
}

function bodyOf({ requestBody }: Part): RequestInit {
  if (!requestBody) return {};
  const [mediaType, { examples }] = Object.entries<Part>(requestBody.content)[0] as [string, Part];
  const [example] = Object.values<Part>(examples);
  return { body: new Blob([JSON.stringify(example.value)], { type: mediaType }) };
}

/** A proxy that finds nothing is only worth something when it would find what is there. */
async function askProxyForWrongAnswer(): Promise<Failures> {
  const upstream = createServer((_request, response) =>
    response.writeHead(200, { "Content-Type": "application/json" }).end('{"data":[{"id":1}]}'),
  );
  await new Promise<void>((resolve) => upstream.listen(0, "127.0.0.1", resolve));
  const { port } = upstream.address() as AddressInfo;
  const { proxy, url } = await startProxy(`http://127.0.0.1:${port}`);
  const answer = await fetch(`${url}/customers`, { headers: { Authorization: "Bearer dk_any" } });
  await answer.text();
  await proxy.close();
  upstream.close();
  const found = answer.headers.get("sl-violations") ?? "";
  return ["pagination", "data.0.id", "x-request-id"]
    .filter((wrong) => !found.includes(wrong))
    .map((wrong) => `Prism's proxy did not see that ${wrong} is wrong`);
}

async function runSuiteThroughProxy(): Promise<Failures> {
  const folder = mkdtempSync(join(tmpdir(), "distribu-judges-"));
  const file = join(folder, "judged");
  const code = await run(
    "node_modules/.bin/vitest",
    ["run", "--config", "test/judges/vitest.config.ts", ...process.argv.slice(2)],
    { JUDGED_FILE: file },
  );
  const files = readFileSync(file, "utf8").trim().split("\n");
  rmSync(folder, { recursive: true });
  const total = { judged: 0, notJudged: 0, violations: [] as string[] };
  for (const { judged, notJudged, violations } of files.map((line) => JSON.parse(line))) {
    total.judged += judged;
    total.notJudged += notJudged;
    total.violations.push(...violations);
  }
  console.log(
    `Prism's proxy judged ${total.judged} answers and found ${total.violations.length} violations; ` +
      `${total.notJudged} more passed it without belonging to an operation.`,
  );
  if (total.judged === 0) total.violations.push("no request of the suite passed Prism");
  if (code !== 0) total.violations.push(`the suite ended with ${code}`);
  return total.violations;
}

/** Runs a command of the project with its output shown; its exit code. */
async function run(command: string, args: string[], variables: Record<string, string> = {}): Promise<number> {
  const child = spawn(command, args, { cwd: root, env: { ...process.env, ...variables }, stdio: "inherit" });
  const [code] = await once(child, "close");
  return code;
}

const judges: Record<string, () => Promise<Failures>> = {
  "Spectral lints the contract": lintWithSpectral,
  "Portman's generated tests pass on the sandbox": runPortman,
  "Prism's mock answers every operation from the examples": askMock,
  "Prism's proxy sees a wrong answer": askProxyForWrongAnswer,
  "Prism's proxy finds nothing in the HTTP suite": runSuiteThroughProxy,
};

let failed = 0;
const verdicts: string[] = [];
for (const [name, judge] of Object.entries(judges)) {
  const failures = await judge();
  if (failures.length > 0) failed++;
  verdicts.push([`${failures.length === 0 ? "passed" : "FAILED"}: ${name}`, ...failures].join("\n  "));
}
console.log(`\n${verdicts.join("\n")}\n\n${verdicts.length - failed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
