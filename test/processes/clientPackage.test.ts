/** The packed client, in projects like those of partners. */
import { readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, it, onTestFinished } from "vitest";
import { formatClientInstallation, formatSandboxCommands } from "../../openapi/packages.ts";
import { installClient, packClient } from "../support/packages.ts";
import { listDownloadedPackages, type Page, pages, readBlocks, readPage } from "../support/pages.ts";
import { runProgram } from "../support/processes.ts";
import { startServer } from "../support/server.ts";
import { temporaryFolder } from "../support/temporaryFolder.ts";

/** Most of this time is for compiling. */
const timeout = 120_000;
const folder = temporaryFolder();
beforeAll(() => {
  installClient(folder.path);
  symlinkSync(join(process.cwd(), "node_modules/@types"), join(folder.path, "node_modules/@types"));
  writeFileSync(join(folder.path, "package.json"), '{ "type": "module" }');
  return folder.remove;
});

it("client package: packed → code and types for both module systems, at most 30 kB", () => {
  const { size, files } = packClient(folder.path);
  const [code, types] = [
    ["dist/index.cjs", "dist/index.js"],
    ["dist/index.d.cts", "dist/index.d.ts"],
  ];
  expect(files.sort()).toEqual(["LICENSE", "README.md", ...code, ...types, "package.json"].sort());
  expect(size).toBeLessThanOrEqual(30_000);
  expect(readFileSync("client/LICENSE", "utf8")).toBe(readFileSync("LICENSE", "utf8"));
});

it("client package: dependencies → openapi-fetch alone", () => {
  const { dependencies } = JSON.parse(readFileSync("client/package.json", "utf8"));
  expect(Object.keys(dependencies)).toEqual(["openapi-fetch"]);
});

it("documentation: private packages → installed from their files, never by name", () => {
  const { info } = JSON.parse(readFileSync("generated/openapi.json", "utf8"));
  for (const file of ["package.json", "client/package.json"])
    expect(JSON.parse(readFileSync(file, "utf8")).private).toBe(true);
  // Anyone could register such a name, and their code would run on the reader's machine, with its API keys.
  const names = [...pages.map(readPage), info.description].flatMap(listDownloadedPackages);
  expect(names).toContain("openapi-typescript");
  expect(names.filter((name) => /^@?distribu/.test(name))).toEqual([]);
  for (const text of [readPage("client/README.md"), info.description])
    for (const command of ["npm pack -w client", "npm install ./distribu-customers-client-1.0.0.tgz"])
      expect(text).toContain(command);
});

it("documentation: packages no longer private → installed by name", () => {
  const published = (name: string) => ({ name, version: "1.2.0" });
  expect(formatClientInstallation(published("@distribu/customers-client"))).toBe(
    "Install it with `npm install @distribu/customers-client`.",
  );
  expect(formatSandboxCommands(published("@distribu/customers-api"))).toContain(
    "\nnpx --package=@distribu/customers-api distribu sandbox\n",
  );
});

/** Compiles the samples of a page as one file and runs them on a new server. Returns the lines that they print. */
async function runSamples(page: Page): Promise<string[]> {
  const server = await startServer();
  onTestFinished(() => server.stop());
  const code = readBlocks(page, "ts", "client").join("\n");
  const file = join(folder.path, "sample.ts");
  writeFileSync(file, code.replace("http://127.0.0.1:3000", server.url));
  const options = "--noEmit --strict --target es2023 --module nodenext --types node";
  const compiled = await runProgram("node_modules/.bin/tsc", [...options.split(" "), file]);
  expect(compiled).toMatchObject({ code: 0, stdout: "" });

  const KEY = await server.createKey({ company: "readme" });
  const ran = await runProgram("node_modules/.bin/tsx", [file], { KEY });
  expect(ran.code, ran.stderr).toBe(0);
  return ran.stdout.trim().split("\n");
}

it("README.md: its client sample → compiles, creates a customer and lists it", {
  timeout,
}, async () => {
  expect(await runSamples("README.md")).toEqual([expect.stringMatching(/^created \S+$/), "ann@acme.example"]);
});

it("client/README.md: its samples in one file → compile, print what is shown", { timeout }, async () => {
  const [created, found, rejected, ...others] = await runSamples("client/README.md");
  expect([created, found]).toEqual(["created buyer@bakery.example", "found buyer@bakery.example"]);
  expect(rejected).toMatch(/^400 Invalid email address\. email [\w-]+ undefined$/);
  expect(others).toEqual(["up to 500", "more: false", "status 201"]);
});
