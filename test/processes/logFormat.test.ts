/** The format of the log: JSON, or human-readable lines. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, it, onTestFinished } from "vitest";
import { spawnServer } from "../support/processes.ts";

const DATABASE_URL = "sqlite::memory:";

/** The first line of a server's log on a terminal, which `script` provides. */
async function startOnTerminal(environment: Record<string, string>): Promise<string> {
  const command = `exec ${process.execPath} dist/server/main.js`;
  const child = spawn("script", ["--quiet", "--return", "--command", command, "/dev/null"], {
    env: { ...process.env, PORT: "0", NODE_ENV: "production", DATABASE_URL, ...environment },
    stdio: ["pipe", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  onTestFinished(async () => {
    child.kill("SIGTERM");
    await exited;
  });
  let output = "";
  child.stdout.on("data", (chunk) => (output += chunk));
  await expect.poll(() => output, { timeout: 20_000 }).toContain("listening");
  return output.split("\n")[0] as string;
}

it("LOG_FORMAT: unset, no terminal → JSON, level as a word", async () => {
  const { output } = await spawnServer({ DATABASE_URL });
  expect(JSON.parse(output().split("\n")[0] as string)).toMatchObject({ level: "info", msg: "starting" });
});

it("LOG_FORMAT: pretty, no terminal → readable lines, no colors", async () => {
  const { output } = await spawnServer({ DATABASE_URL, LOG_FORMAT: "pretty" });
  expect(output()).toMatch(/^\[[\d-]+T[\d:.]+Z\] INFO: starting\n {4}version: "/);
  expect(output()).not.toContain("\u001b");
});

it("LOG_FORMAT: unset, on a terminal → readable lines, in color", async () => {
  expect(await startOnTerminal({})).toMatch(/^\[[\d-]+T[\d:.]+Z\] \u001b\[32mINFO\u001b\[39m: /);
});

it("LOG_FORMAT: json, on a terminal → JSON", async () => {
  expect(JSON.parse(await startOnTerminal({ LOG_FORMAT: "json" }))).toMatchObject({ msg: "starting" });
});
