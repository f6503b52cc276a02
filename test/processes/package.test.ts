import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { parse } from "yaml";
import { provokedResponses } from "../../server/commands/contractResponses.ts";
import { installPackage } from "../support/packages.ts";
import { readBlock } from "../support/pages.ts";
import { runProgram, spawnServer } from "../support/processes.ts";
import { startServer } from "../support/server.ts";
import { temporaryFolder } from "../support/temporaryFolder.ts";

describe("package", () => {
  const folder = temporaryFolder();
  let files: string[];
  beforeAll(() => {
    files = installPackage(folder.path);
    return folder.remove;
  });

  it("package: npm pack → build, contract and documentation, no sources or tests", () => {
    for (const file of [
      "dist/server/cli.js",
      ...["index.html", "docs.js.br", "docs.js.gz", "postman.json"].map((name) => `dist/docs/${name}`),
      "dist/server/main.js",
      "generated/openapi.json",
      "openapi/openapi.yaml",
      "LICENSE",
      "README.md",
    ])
      expect(files).toContain(file);
    const others = files.filter(
      (file) =>
        !/^(dist\/(generated|server)\/.+\.(js|d\.ts)$|dist\/docs\/[a-z.]+$|[A-Za-z.]+$|(generated|openapi)\/openapi\.(json|yaml)$)/.test(
          file,
        ),
    );
    expect(others).toEqual([]);
  });

  it("package: npx distribu → runs with the package's own dependencies", async () => {
    const ended = await runProgram("bash", [
      "-c",
      `cd ${folder.path} && npx --offline -- distribu contract --help`,
    ]);
    expect(ended.stdout).toMatch(/^Usage: distribu contract \[options\]/);
    expect(ended.code).toBe(0);
  });

  it("package: distribu sandbox → serves its page and the files of the page", async () => {
    const command = `${folder.path}/node_modules/.bin/distribu`;
    const sandbox = await spawnServer({}, "sandbox", { nodeOptions: [command], cwd: folder.path });
    for (const path of ["/", "/sandbox/page.css", "/sandbox/pageScript.js", "/sandbox/codeSamples.js"])
      expect((await fetch(sandbox.url + path)).status, path).toBe(200);
  });

  it("package: GitHub Actions job of openapi/README.md → compares a deployment", async () => {
    const server = await startServer();
    onTestFinished(() => server.stop());
    const { steps } = parse(readBlock("openapi/README.md", "yaml", "contract-job")).jobs.contract;
    const { run, env } = steps.find((step: { run?: string }) => step.run);
    expect(Object.keys(env)).toEqual(["URL", "KEY"]);
    const environment = {
      URL: server.url,
      KEY: await server.createKey(),
      // Otherwise npx requests the metadata of every dependency from the registry.
      npm_config_prefer_offline: "true",
    };
    const ended = await runProgram("bash", ["-ec", `cd ${folder.path}\n${run}`], environment);
    expect(ended.stderr.replaceAll(/^npm warn .*\n/gm, "")).toBe("");
    const count = Object.keys(provokedResponses).length;
    expect(ended.stdout).toContain(`\n${count} of ${count} responses conform to the contract; 0 differ.\n`);
    expect(ended.code).toBe(0);
    const { path } = steps.find(({ uses }: { uses?: string }) =>
      uses?.startsWith("actions/upload-artifact"),
    ).with;
    expect(readFileSync(join(folder.path, path), "utf8")).toContain(`tests="${count}" failures="0"`);
  });
});
