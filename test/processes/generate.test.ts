import { cpSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { runProgram } from "../support/processes.ts";
import { temporaryFolder } from "../support/temporaryFolder.ts";

/** A copy of what `npm run generate` reads and writes, with the contract changed. */
function copyProject(change: (contract: string) => string): string {
  const { path, remove } = temporaryFolder();
  onTestFinished(remove);
  for (const name of [
    "package.json",
    "client/package.json",
    "openapi",
    "generated",
    "server/pathTemplates.ts",
  ])
    cpSync(name, join(path, name), { recursive: true });
  symlinkSync(join(process.cwd(), "node_modules"), join(path, "node_modules"));
  const file = join(path, "openapi/openapi.yaml");
  writeFileSync(file, change(readFileSync(file, "utf8")));
  return path;
}

const generate = (folder: string) => runProgram("npm", ["run", "--silent", "generate", "--prefix", folder]);

it("npm run generate: missing message, ambiguous path → exit code 1, both named", async () => {
  const folder = copyProject((contract) => {
    const copy = `  /customers/{email}:\n    get: ${JSON.stringify({ responses: {} })}\n`;
    return contract
      .replace(/(?<=examples\/)name(?=" \}\n {16}notes)/, "notes")
      .replace("  /customers/{id}:\n", `${copy}$&`);
  });
  expect(await generate(folder)).toEqual({
    code: 1,
    stdout: "",
    stderr: `openapi/openapi.yaml:
/customers/{email} and /customers/{id} match the same paths, and neither is more literal
createCustomer: no 400 example has the error message "Name must be between 1 and 200 characters.", which field name implies
`,
  });
  for (const name of ["openapi.json", "api.ts", "messages.ts"])
    expect(readFileSync(join(folder, "generated", name), "utf8")).toBe(
      readFileSync(join("generated", name), "utf8"),
    );
});

it("npm run generate: unchanged contract → generated/ as committed", async () => {
  const folder = copyProject((contract) => contract);
  for (const name of ["openapi.json", "api.ts", "messages.ts"])
    writeFileSync(join(folder, "generated", name), "");
  expect(await generate(folder)).toEqual({ code: 0, stdout: "", stderr: "" });
  for (const name of ["openapi.json", "api.ts", "messages.ts"])
    expect(readFileSync(join(folder, "generated", name), "utf8")).toBe(
      readFileSync(join("generated", name), "utf8"),
    );
});
