/** `distribu`: help, wrong arguments, and the database that a command uses. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { createTables, runCommand, runProgram } from "../support/processes.ts";
import { bothScopes } from "../support/server.ts";
import { temporaryFolder } from "../support/temporaryFolder.ts";

/** Runs a command; returns its whole output. */
function runDistribu(args: string[], environment: Record<string, string> = {}) {
  return runProgram(process.execPath, ["dist/server/cli.js", ...args], environment);
}

function createFolder(): string {
  const folder = temporaryFolder();
  onTestFinished(folder.remove);
  return folder.path;
}

/** Shortens the arguments of a command for the title of a test. */
const titled = (row: string[][]) => {
  const args = row[0] ?? [];
  return [args.join(" ").replace("\n", "\\n").slice(-36) || "no arguments", args] as const;
};

describe("help", () => {
  it.each([
    [
      ["--help"],
      ["serve", "keys", "companies", "import", "export", "copy", "backup", "audit", "erase", "sandbox"],
    ],
    [["help"], ["Usage: distribu [options] [command]"]],
    [["help", "import"], ["Usage: distribu import [options] <file.csv>"]],
    [
      ["keys", "--help"],
      ["create", "list", "revoke"],
    ],
    [
      ["keys", "create", "--help"],
      ["--company", "--scopes", "--name", "--expires", ...bothScopes],
    ],
    [["keys", "list", "--help"], ["Usage: distribu keys list"]],
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
    [["serve", "--help"], ["Usage: distribu serve"]],
    [["sandbox", "--help"], ["Usage: distribu sandbox"]],
    [
      ["contract", "--help"],
      ["--url", "--key", "--junit"],
    ],
  ])("distribu: %j → usage, no database opened", async (args, words) => {
    const { code, stdout, stderr } = await runCommand(args, { DATABASE_URL: "none" });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^Usage: distribu /);
    for (const word of words) expect(stdout).toContain(word);
  });

  it("distribu: --version → the version of the package", async () => {
    const { version } = JSON.parse(readFileSync("package.json", "utf8"));
    expect(await runCommand(["--version"])).toEqual({ code: 0, stdout: `${version}\n`, stderr: "" });
  });
});

describe("wrong arguments", () => {
  const create = ["keys", "create", "--company", "acme", "--scopes", "customers:read"];
  it.each(
    [
      [[]],
      [["delete"]],
      [["toString"]],
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
      [[...create, "--name", "n".repeat(101)]],
      [[...create, "--name", "two\nlines"]],
      [[...create, "--expires", "tomorrow"]],
      [[...create, "--expires", "2999-01-01T00:00:00"]],
      [[...create, "--expires", "2999-13-01T00:00:00Z"]],
      [[...create, "--expires", "2999-02-30"]],
      [[...create, "--expires", "2020-01-01"]],
      [[...create, "--expires", "0d"]],
      [[...create, "--requests-per-minute", "0"]],
      [["keys", "rotate", "dk_AbCdEfGhI", "--overlap", "soon"]],
      [["companies"]],
      [["companies", "block"]],
      [["erase", "--company", "acme"]],
      [["erase", "--company", "acme", "--customer", "1"]],
      [["audit", "prune"]],
      [[...create, "--unknown", "x"]],
      [["keys", "list", "extra"]],
      [["keys", "revoke"]],
      [["keys", "revoke", "one", "two"]],
      [["import"]],
      [["import", "--company", "acme"]],
      [["import", "nosuchfile.csv", "--company", "acme"]],
      [["import", "package.json"]],
      [["import", "package.json", "--company", "x", "--dry"]],
      [["import", "package.json", "tsconfig.json", "--company", "x"]],
      [["export"]],
      [["export", "--company", ""]],
      [["backup"]],
      [["audit"]],
      [["audit", "--company", "known", "--since", "yesterday"]],
      [["audit", "--company", "known", "--customer", "1"]],
      [["copy", "--from", "sqlite::memory:"]],
      [["serve", "extra"]],
    ].map(titled),
  )("distribu: %s → one line, exit code 2", async (_title, args) => {
    const result = await runCommand(args, { DATABASE_URL: "none" });
    expect(result).toEqual({ code: 2, stdout: "", stderr: expect.stringMatching(/^[^\n]+\n$/) });
    expect(result.stderr).not.toMatch(/undefined|\bat .*:\d+:\d+/);
  });

  it("distribu: unknown command → suggests a similar one", async () => {
    expect((await runCommand(["kyes"])).stderr).toBe("unknown command 'kyes' (Did you mean keys?)\n");
    expect((await runCommand(["keys"])).stderr).toBe(
      "No command given. Commands: create, list, rotate, revoke\n",
    );
  });
});

describe("the database of a command", () => {
  it("distribu: any database → named on standard error, without its password", async () => {
    const folder = createFolder();
    await createTables(`sqlite:${folder}/known.db`);
    const known = await runDistribu(["keys", "list"], { DATABASE_URL: `sqlite:${folder}/known.db` });
    expect(known).toMatchObject({ code: 0, stderr: `Database: sqlite:${folder}/known.db\n` });
    const relative = await runDistribu(["keys", "list"], { DATABASE_URL: "sqlite:no/such.db" });
    expect(relative.stderr).toBe(
      `Database: sqlite:${process.cwd()}/no/such.db\nThere is no database at ${process.cwd()}/no/such.db\n`,
    );
    const url = "postgres://ann:s3cret@127.0.0.1:1/name?password=s3cret";
    const { code, stderr } = await runDistribu(["keys", "list"], { DATABASE_URL: url });
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr:
        "Database: postgres://ann@127.0.0.1:1/name\n" +
        "Cannot reach PostgreSQL at 127.0.0.1:1: connect ECONNREFUSED 127.0.0.1:1\n",
    });
  });

  it.each(
    [
      [["keys", "create", "--company", "acme", "--scopes", "customers:read"]],
      [["keys", "list"]],
      [["import", "package.json", "--company", "acme"]],
      [["export", "--company", "acme"]],
      [["backup", "copy.db"]],
      [["audit", "--company", "acme"]],
    ].map(titled),
  )("distribu: %s, no database → exit code 1", async (_title, args) => {
    const file = join(createFolder(), "folder", "distribu.db");
    const { code, stdout, stderr } = await runDistribu(args, { DATABASE_URL: `sqlite:${file}` });
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toBe(`Database: sqlite:${file}\nThere is no database at ${file}\n`);
    expect(existsSync(join(file, ".."))).toBe(false);
  });

  it("distribu: production without DATABASE_URL → exit code 1", async () => {
    const { code, stderr } = await runDistribu(["keys", "list"], {
      NODE_ENV: "production",
      DATABASE_URL: "",
    });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^DATABASE_URL or DATABASE_URL_FILE is required in production\./);
  });

  it("distribu: invalid DATABASE_URL → exit code 1 and one line that names it", async () => {
    const { code, stderr } = await runDistribu(["keys", "list"], { DATABASE_URL: "mysql://x" });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^DATABASE_URL=mysql:\/\/x is not valid\./);
  });

  it("distribu: directory as the database → exit code 1 and a line that names it", async () => {
    const folder = createFolder();
    const { code, stderr } = await runDistribu(["keys", "list"], { DATABASE_URL: `sqlite:${folder}` });
    expect(code).toBe(1);
    expect(stderr).toBe(
      `Database: sqlite:${folder}\nCannot open the database ${folder}: it is a directory\n`,
    );
  });
});
