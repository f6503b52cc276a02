import { spawn } from "node:child_process";
import { cpSync, existsSync, readdirSync, symlinkSync } from "node:fs";
import { delimiter, join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { readBlock } from "../support/pages.ts";
import { runProgram, spawnServer } from "../support/processes.ts";
import { temporaryFolder } from "../support/temporaryFolder.ts";
import { cloneRepository, node20, readVersion } from "./nodes.ts";

/** npm itself: the `npm` in PATH would run on the first Node there. */
const npm = process.env.npm_execpath as string;

/** Builds an environment whose PATH has an older Node and neither compilers nor Python. */
function hideCompilers(): Record<string, string> {
  const folder = temporaryFolder();
  onTestFinished(() => folder.remove());
  const names = new Set(["node", "npm", "npx"]);
  symlinkSync(node20, join(folder.path, "node"));
  symlinkSync(npm, join(folder.path, "npm"));
  for (const directory of (process.env.PATH ?? "").split(delimiter)) {
    if (!existsSync(directory) || directory.includes("node_modules")) continue;
    for (const name of readdirSync(directory)) {
      if (names.has(name) || /^(python|clang|make|cc|c89|c99|c\+\+|(.*-)?g(cc|\+\+))/.test(name)) continue;
      names.add(name);
      symlinkSync(join(directory, name), join(folder.path, name));
    }
  }
  return { PATH: folder.path, CC: "false", CXX: "false" };
}

it(`README's commands: Node ${readVersion(node20)}, no compiler, no Python → work`, async () => {
  const clone = cloneRepository();
  const machine = hideCompilers();
  const run = (...args: string[]) => runProgram(node20, [npm, "--prefix", clone, ...args], machine);
  const [install = "", start = ""] = readBlock("README.md", "bash", "install")
    .split("\n")
    .map((line) => line.replace(/^npm /, ""));
  const installed = await run(install, "--prefer-offline");
  expect(installed.code, installed.stderr).toBe(0);
  expect(installed.stderr).not.toContain("install-scripts");

  const started = spawn(node20, [npm, "--prefix", clone, start], {
    env: { ...process.env, ...machine, PORT: "0" },
    stdio: ["ignore", "pipe", "inherit"],
    // A process group of its own, because npm does not forward SIGKILL to the server.
    detached: true,
  });
  onTestFinished(() => void process.kill(-(started.pid as number), "SIGKILL"));
  let output = "";
  started.stdout.on("data", (chunk) => (output += chunk));
  await expect.poll(() => output, { timeout: 120_000 }).toMatch(/"url":"[^"]+"/);
  const [, url] = /"url":"([^"]+)"/.exec(output) ?? [];
  expect((await fetch(`${url}/readyz`)).status).toBe(200);

  // PostgreSQL's user has no access to the clone either.
  const tested = await run("test", "--", "test/http/getCustomer.test.ts");
  expect(tested.code, `${tested.stdout}\n${tested.stderr}`).toBe(0);
});

it("npm ci --omit=dev: built server → no second Node, runs on the one that starts it", async () => {
  const clone = cloneRepository();
  const args = [npm, "--prefix", clone, "ci", "--omit=dev", "--prefer-offline"];
  const installed = await runProgram(process.execPath, args);
  expect(installed.code, installed.stderr).toBe(0);
  expect(existsSync(join(clone, "node_modules/node"))).toBe(false);
  expect(existsSync(join(clone, "node_modules/.bin/node"))).toBe(false);
  cpSync("dist", join(clone, "dist"), { recursive: true });
  const server = await spawnServer({ DATABASE_URL: "sqlite:data.db" }, "dist/server/main.js", { cwd: clone });
  expect((await fetch(`${server.url}/readyz`)).status).toBe(200);
});
