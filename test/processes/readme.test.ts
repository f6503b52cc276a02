/** Runs the commands of the pages exactly as shown. */
import { symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { createDemo, formatWelcome } from "../../server/demo.ts";
import { variables } from "../../server/variables.ts";
import { serveChecked } from "../support/otherServers.ts";
import { readBlock, readBlocks, readPage } from "../support/pages.ts";
import { createTables, runCommand, runProgram } from "../support/processes.ts";
import { startServer } from "../support/server.ts";
import { temporaryFolder } from "../support/temporaryFolder.ts";

/** Creates a folder with this text as a file. */
function createFolderWith(name: string, text: string): string {
  const folder = temporaryFolder();
  onTestFinished(folder.remove);
  writeFileSync(join(folder.path, name), text);
  return folder.path;
}

/** Starts a server as `npm start` does; runs curls with its address and key in place of the page's. */
async function startDemo(curlOptions: string) {
  const server = await startServer();
  onTestFinished(() => server.stop());
  const KEY = (await createDemo(server.database)) as string;
  const seen: string[] = [];
  const url = await serveChecked(server.url, ({ method, status }) => seen.push(`${method} ${status}`));
  const environment = { CURL_HOME: createFolderWith(".curlrc", curlOptions), API: `${url}/api/v1`, KEY };
  return {
    seen,
    run: (code: string) =>
      runProgram(
        "bash",
        ["-euo", "pipefail", "-c", code.replace(/^export (KEY|API)=.*\n/gm, "")],
        environment,
      ),
  };
}

/** Replaces the values of a response that differ each time by their names. */
function parseResponse(text: string): unknown {
  const varying = ["id", "createdAt", "updatedAt", "nextCursor"];
  return JSON.parse(text, (name, value) => (varying.includes(name) ? `<${name}>` : value));
}

/** Runs commands line by line on a database with the company `acme`, in a folder of its own. */
async function runLines(lines: string[], edit: (line: string, output: string) => string) {
  const folder = createFolderWith("customers.csv", "email,name\nbuyer@acme.example,Acme Buyer\n");
  const DATABASE_URL = `sqlite:${join(folder, "pages.db")}`;
  await createTables(DATABASE_URL);
  let output = "";
  for (const line of lines) {
    const command = edit(line, output).replace(
      "npx --no distribu",
      `node ${process.cwd()}/dist/server/cli.js`,
    );
    const { code, stdout, stderr } = await runProgram("bash", ["-c", `cd ${folder}; ${command}`], {
      DATABASE_URL,
    });
    expect(code, `${line}\n${stderr}`).toBe(0);
    output = stdout;
  }
  return { DATABASE_URL };
}

describe("README.md", () => {
  it("README.md: quick start → responses as shown", async () => {
    const demo = await startDemo('silent\nwrite-out = "\\n"\n');
    const [list = "", create = ""] = readBlocks("README.md", "bash", "quick-start");
    const { code, stdout, stderr } = await demo.run(list + create + create);
    expect([code, stderr]).toEqual([0, ""]);
    const shown = readBlocks("README.md", "json", "quick-start");
    expect(stdout.trim().split("\n").map(parseResponse)).toEqual(shown.map(parseResponse));
  });

  it("README.md: output of the first start → as shown", () => {
    const shown = readBlock("README.md", "text", "welcome");
    const [key = ""] = shown.match(/dk_[\w-]{43}/) ?? [];
    expect(shown.trim()).toBe(formatWelcome(key, "http://127.0.0.1:3000").trim());
    expect(readBlocks("README.md", "bash", "quick-start")[0]).toContain(`export KEY=${key}\n`);
  });

  it("README.md: number of words → under 900", () => {
    expect(readPage("README.md").split(/\s+/).length).toBeLessThan(900);
  });
});

describe("server/README.md", () => {
  it("server/README.md: commands for keys → work as shown", async () => {
    const lines = readBlock("server/README.md", "bash", "keys").trim().split("\n");
    const readPrefix = (output: string) => output.trim().slice(0, 12);
    let key = "";
    const { DATABASE_URL } = await runLines(lines, (line, output) => {
      if (output.startsWith("dk_")) key = readPrefix(output);
      return line.replace("dk_AbCdEfGhI", key);
    });
    const { stdout } = await runCommand(["keys", "list"], { DATABASE_URL });
    expect(stdout).toContain("revoked");
  });

  it("server/README.md: import, export, backup, audit, erase → work as shown", async () => {
    const [create = ""] = readBlock("server/README.md", "bash", "keys").split("\n");
    const blocks = [
      readBlock("server/README.md", "bash", "import"),
      readBlock("server/README.md", "bash", "backup"),
      readBlock("server/README.md", "bash", "audit"),
      readBlock("server/README.md", "bash", "erase"),
    ];
    const lines = blocks.flatMap((block) => block.trim().split("\n"));
    const { DATABASE_URL } = await runLines([create, ...lines], (line, before) => {
      const [, id = ""] = /"customerId":"([^"]+)"/.exec(before) ?? [];
      return line.replace("$ID", id);
    });
    const { stdout } = await runCommand(["export", "--company", "acme"], { DATABASE_URL });
    expect(stdout).toMatch(/^erased\+\S+@erased\.invalid,,BLOCKED,/m);
  });

  it("server/README.md: environment variables → all of them, with default and meaning", () => {
    const rows = [...readPage("server/README.md").matchAll(/^\| `([A-Z_]+)` +\| `([^`]*)` +\| (.+?) +\|$/gm)];
    const listed = rows.map(([, name, standard, meaning]) => [name, standard, meaning?.replaceAll("\\", "")]);
    const described = Object.entries(variables).map(([name, { default: standard, description }]) => {
      return [name, standard, description];
    });
    expect(listed).toEqual(described);
  });
});

describe("client/README.md", () => {
  it("client/README.md: its curl commands in order → work and use every operation", async () => {
    const demo = await startDemo("fail-with-body\nsilent\nshow-error\n");
    const script = readBlocks("client/README.md", "bash", "curl").join("\n");
    const ended = await demo.run(script);
    expect(ended).toMatchObject({ code: 0, stderr: "" });
    expect(demo.seen).toHaveLength(script.match(/\bcurl /g)?.length ?? 0);
    const [list, get, create, update] = ["GET 200", "GET 200", "POST 201", "PATCH 200"];
    expect(demo.seen).toEqual([list, create, list, get, update, update, list]);
    expect(ended.stdout).toContain('"email":"buyer@acme.example"');
    expect(ended.stdout).toContain('"creditLimit":null');
    expect(ended.stdout).toContain('"status":"BLOCKED"');
    // The last response is that of the search: exactly one customer.
    expect(ended.stdout.slice(ended.stdout.lastIndexOf('{"data":[')).match(/"email":/g)).toHaveLength(1);
  });

  it("client/README.md: generating a client → compiles with the code shown", async () => {
    const server = await startServer();
    onTestFinished(() => server.stop());
    const folder = createFolderWith("example.ts", readBlock("client/README.md", "ts", "generate"));
    symlinkSync(join(process.cwd(), "node_modules"), join(folder, "node_modules"));
    const [install = "", generate = ""] = readBlock("client/README.md", "bash", "generate").split("\n");
    expect(install).toBe("npm install openapi-fetch");
    const steps = [
      `cd ${folder}`,
      generate.replace("http://127.0.0.1:3000", server.url),
      "npx tsc --noEmit --strict --skipLibCheck --target es2023 --module esnext --moduleResolution bundler --types node --allowImportingTsExtensions example.ts",
    ];
    const ended = await runProgram("bash", ["-euo", "pipefail", "-c", steps.join("\n")]);
    expect(ended.code, ended.stdout + ended.stderr).toBe(0);
  });
});
