import { describe, expect, it, onTestFinished } from "vitest";
import { runCommand } from "../support/processes.ts";
import { bothScopes } from "../support/server.ts";
import { temporaryFolder } from "../support/temporaryFolder.ts";

describe("help and arguments", () => {
  it.each([
    [["--help"], ["create", "list", "revoke", "import", "export", "copy", "backup", "audit"]],
    [
      ["keys", "--help"],
      ["create", "list", "revoke"],
    ],
    [
      ["keys", "create", "--help"],
      ["--company", "--scopes", "--name", "--expires", ...bothScopes],
    ],
    [["keys", "list", "--help"], ["Usage: keys list"]],
    [["keys", "revoke", "-h"], ["<prefix or id>"]],
    [
      ["import", "--help"],
      ["--company", "--dry-run"],
    ],
    [["export", "--help"], ["--company"]],
    [["backup", "--help"], ["<file>"]],
    [
      ["audit", "--help"],
      ["--company", "--customer", "--since", "--json"],
    ],
    [
      ["copy", "--help"],
      ["--from", "--to"],
    ],
  ])("command line: %j → the usage on standard output", async (args, words) => {
    const { code, stdout, stderr } = await runCommand(args, { DATABASE_URL: "none" });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^Usage: /);
    for (const word of words) expect(stdout).toContain(word);
  });

  it.each([
    [[]],
    [["keys"]],
    [["keys", "delete"]],
    [["keys", "constructor"]],
    [["keys", "create"]],
    [["keys", "create", "--company", "acme"]],
    [["keys", "create", "--scopes", "customers:read"]],
    [["keys", "create", "--company", "two words", "--scopes", "customers:read"]],
    [["keys", "create", "--company", "a".repeat(101), "--scopes", "customers:read"]],
    [["keys", "create", "--company", "acme", "--scopes", "customers:delete"]],
    [["keys", "create", "--company", "acme", "--scopes", "customers:read,"]],
    [["keys", "create", "--company", "acme", "--scopes", "customers:read", "--name", "n".repeat(101)]],
    [["keys", "create", "--company", "acme", "--scopes", "customers:read", "--name", "two\nlines"]],
    [["keys", "create", "--company", "acme", "--scopes", "customers:read", "--expires", "tomorrow"]],
    [
      [
        "keys",
        "create",
        "--company",
        "acme",
        "--scopes",
        "customers:read",
        "--expires",
        "2027-01-01T00:00:00",
      ],
    ],
    [
      [
        "keys",
        "create",
        "--company",
        "acme",
        "--scopes",
        "customers:read",
        "--expires",
        "2027-13-01T00:00:00Z",
      ],
    ],
    [["keys", "create", "--company", "acme", "--scopes", "customers:read", "--unknown", "x"]],
    [["keys", "list", "extra"]],
    [["keys", "revoke"]],
    [["keys", "revoke", "one", "two"]],
    [["import", "--company", "acme"]],
    [["import", "nosuchfile.csv", "--company", "acme"]],
    [["export"]],
    [["copy", "--from", "sqlite::memory:"]],
  ])("command line: %j → exit code 2 and one line", async (args) => {
    const ended = await runCommand(args, { DATABASE_URL: "none" });
    expect(ended).toEqual({ code: 2, stdout: "", stderr: expect.stringMatching(/^[^\n]+\n$/) });
  });

  it("command line: database cannot be opened → exit code 1 and one line", async () => {
    const folder = temporaryFolder();
    onTestFinished(folder.remove);
    const ended = await runCommand(["keys", "list"], { DATABASE_URL: `sqlite:${folder.path}` });
    expect(ended).toEqual({ code: 1, stdout: "", stderr: expect.stringMatching(/^[^\n]+\n$/) });
  });
});
