/** The worked example of CONTRIBUTING.md, `GET /customers/count`, in a copy of the project. */
import { cpSync, existsSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, join, relative } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { createTemporaryDatabase } from "../support/databases.ts";
import { createKeyByCommand, runProgram, spawnServer } from "../support/processes.ts";
import { temporaryFolder } from "../support/temporaryFolder.ts";
import { countCustomers as steps } from "./countCustomers.ts";

const timeout = 300_000;
const copied = [
  "CHANGELOG.md",
  "package.json",
  "tsconfig.json",
  ".biome.json",
  ".gitignore",
  "openapi",
  "generated",
  "server",
];

/** Copies the project, without installed packages and built files. */
function copyProject() {
  const { path: folder, remove } = temporaryFolder();
  onTestFinished(remove);
  const isSource = (file: string) => !["node_modules", "dist"].includes(basename(file));
  for (const name of [...copied, "client", "test"])
    cpSync(name, join(folder, name), { recursive: true, filter: isSource });
  symlinkSync(join(process.cwd(), "node_modules"), join(folder, "node_modules"));
  const read = (file: string) => readFileSync(join(folder, file), "utf8");
  const write = (file: string, text: string) => writeFileSync(join(folder, file), text);
  return {
    folder,
    change(file: string, from: string, to: string) {
      const text = read(file);
      expect(text, file).toContain(from);
      write(file, text.replace(from, to));
    },
    /** Takes the steps for some files. */
    take(isTaken: (file: string) => boolean) {
      for (const { file, edit } of steps)
        if (isTaken(file)) write(file, edit(existsSync(join(folder, file)) ? read(file) : ""));
    },
    async run(command: string) {
      const { code, stdout, stderr } = await runProgram("bash", ["-c", `cd ${folder} && ${command}`]);
      return { code, output: stdout + stderr };
    },
  };
}

/** Finds the files that an output reports as lacking an operation. */
function filesNamed(output: string): string[] {
  const lines = output.split("\n").filter((line) => /^\S+\.ts\(\d+,\d+\): error/.test(line));
  return [...new Set(lines.map((line) => line.slice(0, line.indexOf("("))))].sort();
}

it("new operation: CONTRIBUTING.md → names every file of the example, in this order", () => {
  const [, example = ""] =
    /^## A worked example\n(.*?)^## /ms.exec(readFileSync("CONTRIBUTING.md", "utf8")) ?? [];
  const files = [...example.matchAll(/^\d+\. `([^`]+)`/gm)].map(([, file]) => file);
  // One line stands for the samples of all languages.
  const changed = steps.map(({ file }) => file.replace(/(?<=samples\/.*)\.\w+$/, ".*"));
  expect(files).toEqual([...new Set(changed)]);
});

it("new operation: in the contract only → each omission named by a tool", { timeout }, async () => {
  const project = copyProject();
  project.take((file) => file === "openapi/openapi.yaml");

  const unexplained = copyProject();
  unexplained.take((file) => file === "openapi/openapi.yaml");
  unexplained.change("openapi/openapi.yaml", "      summary: Count customers\n", "");
  const response =
    '"#/components/responses/BadGetRequest" }\n        "401": { $ref: "#/components/responses/Unauthorized" }\n        "403": { $ref: "#/components/responses/ReadForbidden" }\n        "429"';
  unexplained.change("openapi/openapi.yaml", response, response.replace("BadGetRequest", "Unauthorized"));
  const generated = await unexplained.run("npm run --silent generate");
  expect(generated.code).toBe(1);
  expect(generated.output).toContain(
    'countCustomers: no 400 example has the error message "Unknown query parameter."',
  );
  const linted = await unexplained.run("npm run --silent lint:contract");
  expect(linted.code).toBe(1);
  expect(linted.output).toContain("summary");

  expect(await project.run("npm run --silent generate")).toEqual({ code: 0, output: "" });
  const compiled = await project.run("npx tsc -p test");
  expect(filesNamed(compiled.output)).toEqual([
    "server/customers.ts",
    // Both lack the responses that server/commands/contractResponses.ts must provoke.
    "test/contract/everyResponse.test.ts",
    "test/contract/examples.test.ts",
    "test/processes/samples.test.ts",
    "test/processes/sandbox.test.ts",
  ]);
  expect(compiled.output).toContain("'countCustomers' is missing");
  expect(compiled.output).toContain('"countCustomers ');
  const documented = await project.run("npm run --silent docs");
  expect(documented.code).not.toBe(0);
  expect(documented.output).toContain("openapi/samples/countCustomers.sh");
});

it("new operation: every step → responds, before the templated path", { timeout }, async () => {
  const project = copyProject();
  project.take(() => true);
  for (const command of [
    "npm run --silent generate",
    "npx tsc -b && npx tsc -p test",
    "npx biome check --write --error-on-warnings server test/http test/contract openapi",
    "npm run --silent lint:contract",
    "npm run --silent docs",
  ]) {
    const { code, output } = await project.run(command);
    expect(code, `${command}\n${output}`).toBe(0);
  }
  const tests = await project.run(
    "npx vitest run --config test/vitest.config.ts --project sqlite -t countCustomers test/contract test/http/countCustomers.test.ts",
  );
  expect(tests.code, tests.output).toBe(0);

  const databaseUrl = await createTemporaryDatabase();
  const key = await createKeyByCommand(databaseUrl);
  const main = relative(process.cwd(), join(project.folder, "dist/server/main.js"));
  const server = await spawnServer({ DATABASE_URL: databaseUrl }, main);
  const headers = { Authorization: `Bearer ${key}`, "Content-Type": "application/json" };
  const customers = `${server.url}/api/v1/customers`;
  const created = await fetch(customers, { method: "POST", headers, body: '{"email":"a@x.example"}' });
  const { data } = (await created.json()) as { data: { id: string } };
  const counted = await fetch(`${customers}/count`, { headers });
  expect([counted.status, await counted.json()]).toEqual([200, { data: { count: 1 } }]);
  expect((await fetch(`${customers}/${data.id}`, { headers })).status).toBe(200);
  expect((await fetch(`${customers}/counts`, { headers })).status).toBe(404);
  expect((await fetch(`${customers}/count?limit=1`, { headers })).status).toBe(400);
});
