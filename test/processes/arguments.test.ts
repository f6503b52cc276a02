/** The arguments of the commands: what they are told, and with which code they end. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { runCommand } from "../support/processes.ts";
import { startServer, type TestServer } from "../support/server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
  await server.createKey({ company: "known" });
});
afterAll(() => server.stop());

it.each(["import", "export", "copy", "backup", "audit", "keys create", "keys list", "keys revoke", "keys"])(
  "%s --help: no database → the usage",
  async (command) => {
    const words = [...command.split(" "), "--help"];
    const { code, stdout, stderr } = await runCommand(words, { DATABASE_URL: "nonsense" });
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(new RegExp(`^Usage: ${command}\\b`));
  },
);

it.each([
  [2, []],
  [2, ["delete"]],
  [2, ["toString"]],
  [2, ["import"]],
  [2, ["import", "no-such-file.csv", "--company", "x"]],
  [2, ["import", "package.json"]],
  [2, ["import", "package.json", "--company", "nobody"]],
  [2, ["import", "package.json", "--company", "x", "--dry"]],
  [2, ["import", "package.json", "tsconfig.json", "--company", "x"]],
  [2, ["export"]],
  [2, ["export", "--company", ""]],
  [2, ["export", "--company", "nobody"]],
  [2, ["backup"]],
  [1, ["backup", "package.json"]],
  [2, ["audit"]],
  [2, ["audit", "--company", "nobody"]],
  [2, ["audit", "--company", "known", "--since", "yesterday"]],
  [2, ["audit", "--company", "known", "--customer", "1"]],
  [2, ["copy", "--from", "sqlite::memory:"]],
  [1, ["copy", "--from", "sqlite::memory:", "--to", "postgres://127.0.0.1:1/nowhere"]],
  [1, ["import", "test", "--company", "known"]],
])("distribu: exit code %i → one line on standard error, %j", async (expected, args) => {
  const { code, stdout, stderr } = await runCommand(args as string[], { DATABASE_URL: server.databaseUrl });
  expect([code, stdout]).toEqual([expected, ""]);
  expect(stderr.trimEnd().split("\n")).toHaveLength(1);
  expect(stderr).not.toMatch(/undefined|\bat .*:\d+:\d+/);
});

it("keys list: invalid DATABASE_URL → exit code 1 and one line", async () => {
  const { code, stderr } = await runCommand(["keys", "list"], { DATABASE_URL: "mysql://x" });
  expect(code).toBe(1);
  expect(stderr).toMatch(/^DATABASE_URL=mysql:\/\/x is not valid\./);
});
