import { readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { createDemo } from "../../server/demo.ts";
import { variables } from "../../server/variables.ts";
import { serveChecked } from "../support/otherServers.ts";
import { createTables, type ProgramResult, runCommand, runProgram } from "../support/processes.ts";
import { startServer } from "../support/server.ts";
import { temporaryFolder } from "../support/temporaryFolder.ts";

const readme = readFileSync("README.md", "utf8");
const contributing = readFileSync("CONTRIBUTING.md", "utf8");
const operation = readFileSync("server/README.md", "utf8");
const security = readFileSync("SECURITY.md", "utf8");

/** The code blocks of a page in one language. */
function blocksOf(page: string, language: string): string[] {
  return [...page.matchAll(/^```(\w+)\n(.*?)^```$/gms)]
    .filter(([, found]) => found === language)
    .map(([, , code]) => code as string);
}

/** A folder with this text as a file, for programs that look for one. */
function folderWith(name: string, text: string): string {
  const folder = temporaryFolder();
  onTestFinished(folder.remove);
  writeFileSync(join(folder.path, name), text);
  return folder.path;
}

describe("README.md", () => {
  it("README.md: its curls in order → work and use every operation", async () => {
    const server = await startServer();
    onTestFinished(() => server.stop());
    const key = await createDemo(server.database);
    const seen: string[] = [];
    const url = await serveChecked(server.url, ({ method, status }) => seen.push(`${method} ${status}`));

    const blocks = blocksOf(readme, "bash").filter((block) => block.includes("curl "));
    const script = blocks.join("\n").replace(/^export (KEY|API)=.*\n/gm, "");
    expect(script).not.toMatch(/^export (KEY|API)=/m);
    const ended = await runProgram("bash", ["-euo", "pipefail", "-c", script], {
      CURL_HOME: folderWith(".curlrc", "fail-with-body\nsilent\nshow-error\n"),
      API: `${url}/api/v1`,
      KEY: key as string,
    });
    expect(ended).toMatchObject({ code: 0, stderr: "" });
    expect(seen).toHaveLength(script.match(/\bcurl /g)?.length ?? 0);
    const [list, get, create, update] = ["GET 200", "GET 200", "POST 201", "PATCH 200"];
    expect(seen).toEqual([list, list, create, list, get, update, update, list]);
    expect(ended.stdout).toContain('"email":"buyer@acme.example"');
    expect(ended.stdout).toContain('"creditLimit":null');
    expect(ended.stdout).toContain('"status":"BLOCKED"');
    // The last response is that of the search: one customer, and no other.
    expect(ended.stdout.slice(ended.stdout.lastIndexOf('{"data":[')).match(/"email":/g)).toHaveLength(1);
  });

  it("README.md: its key commands → work as printed", async () => {
    const DATABASE_URL = `sqlite:${join(folderWith("x", ""), "readme.db")}`;
    const lines =
      blocksOf(readme, "bash")
        .join("\n")
        .match(/^npx distribu keys .*$/gm) ?? [];
    expect(lines).toHaveLength(4);
    await createTables(DATABASE_URL);
    let key = "";
    for (const line of lines) {
      const command = line.replace("dk_AbCdEfGhI", key.slice(0, 12));
      const ended: ProgramResult = await runProgram("bash", ["-c", command], { DATABASE_URL });
      expect(ended.code, line).toBe(0);
      if (line.includes(" create ")) key = ended.stdout.trim();
    }
    const { stdout } = await runCommand(["keys", "list"], { DATABASE_URL });
    expect(stdout).toContain("revoked");
  });

  it("README.md: generating a client → compiles with the code shown", async () => {
    const server = await startServer();
    onTestFinished(() => server.stop());
    const code = blocksOf(readme, "ts").find((block) => block.includes("./customers-api.ts")) as string;
    const folder = folderWith("example.ts", code);
    symlinkSync(join(process.cwd(), "node_modules"), join(folder, "node_modules"));
    const generate = /^npx openapi-typescript .*$/m.exec(readme)?.[0] ?? "";
    const steps = [
      `cd ${folder}`,
      generate.replace("http://127.0.0.1:3000", server.url),
      "npx tsc --noEmit --strict --skipLibCheck --target es2023 --module esnext --moduleResolution bundler --types node --allowImportingTsExtensions example.ts",
    ];
    const ended = await runProgram("bash", ["-euo", "pipefail", "-c", steps.join("\n")]);
    expect(ended.code, ended.stdout + ended.stderr).toBe(0);
  });

  it("server/README.md: environment variables → all of them, with default and meaning", () => {
    const rows = [...operation.matchAll(/^\| `([A-Z_]+)` +\| `([^`]*)` +\| (.+?) +\|$/gm)];
    const listed = rows.map(([, name, standard, meaning]) => [name, standard, meaning?.replaceAll("\\", "")]);
    const described = Object.entries(variables).map(([name, { default: standard, description }]) => {
      return [name, standard, description];
    });
    expect(listed).toEqual(described);
  });
});

describe("README.md, CONTRIBUTING.md, SECURITY.md and server/README.md", () => {
  it("pages: npm commands and files named → exist", () => {
    const { scripts } = JSON.parse(readFileSync("package.json", "utf8"));
    // Links of a folder's page are relative to that.
    const inFolder = operation.replaceAll("](../", "](").replace(/\]\((?=(deploy|database)\/)/g, "](server/");
    const pages = readme + contributing + security + inFolder;
    const commands = [...pages.matchAll(/(?:`|^ *|&& )npm (?:run )?(?:--silent )?([a-z:]+)/gm)].map(
      ([, name]) => name,
    );
    const unknown = commands.filter(
      (name) =>
        !["audit", "ci", "install", "pack", "prune"].includes(name as string) && !scripts[name as string],
    );
    expect(unknown).toEqual([]);
    for (const name of ["start", "test", "generate"]) expect(commands).toContain(name);
    for (const [, file] of pages.matchAll(/\]\(([\w./-]+)\)/g)) readFileSync(file as string);
    for (const [, file] of pages.matchAll(/`((?:server|test|openapi)\/[\w/]+\.\w+)`/g))
      readFileSync(file as string);
  });
});
