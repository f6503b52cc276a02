/** The packed client, in projects like those of partners. */
import { readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, it, onTestFinished } from "vitest";
import { installClient, packClient } from "../support/packages.ts";
import { type Page, readBlocks } from "../support/pages.ts";
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
