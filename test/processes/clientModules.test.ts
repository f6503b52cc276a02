/** The packed client under every way to resolve modules and types. */
import { symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, it, onTestFinished } from "vitest";
import { installClient, packClient } from "../support/packages.ts";
import { runProgram } from "../support/processes.ts";
import { startServer } from "../support/server.ts";
import { temporaryFolder } from "../support/temporaryFolder.ts";

const folder = temporaryFolder();
let packed: string;
beforeAll(() => {
  installClient(folder.path);
  ({ file: packed } = packClient(folder.path));
  symlinkSync(
    join(process.cwd(), "node_modules/openapi-typescript-helpers"),
    join(folder.path, "node_modules/openapi-typescript-helpers"),
  );
  return folder.remove;
});

it("client package: publint and arethetypeswrong → no problem", async () => {
  const linted = await runProgram("node_modules/.bin/publint", ["run", packed, "--strict"]);
  expect(linted.code, linted.stdout + linted.stderr).toBe(0);
  const types = await runProgram("node_modules/.bin/attw", [packed, "--format", "json"]);
  expect(types.code, types.stdout).toBe(0);
});

const typed = `
import { createCustomersClient, CustomersApiError, unwrap, type Customer } from "@distribu/customers-client";
const client = createCustomersClient({ baseUrl: "http://127.0.0.1/api/v1", apiKey: "dk_", maxConcurrency: 5 });
export async function newest(): Promise<Customer | undefined> {
  const { data } = await unwrap(client.GET("/customers", { params: { query: { status: "ACTIVE" } } }));
  return data[0] ?? (await client.findCustomerByEmail("buyer@acme.example"));
}
export const isApiError = (error: unknown) => error instanceof CustomersApiError;
// @ts-expect-error no such status
client.customers({ status: "active" });
`;

it.each([
  ["node16, ES module", "use.mts", "--module node16"],
  ["node16, CommonJS", "use.cts", "--module node16"],
  ["nodenext, ES module", "use.mts", "--module nodenext"],
  ["nodenext, CommonJS", "use.cts", "--module nodenext"],
  ["bundler", "use.ts", "--module esnext --moduleResolution bundler"],
  ["node10", "use.ts", "--module commonjs --moduleResolution node10"],
])(
  "client package: types with %s → compile, libraries included",
  async (name, file, options) => {
    const source = join(folder.path, `${name.replace(/\W/g, "")}-${file}`);
    writeFileSync(source, typed);
    const args = `--noEmit --strict --target es2022 --lib es2022,dom,dom.iterable ${options}`.split(" ");
    const compiled = await runProgram("node_modules/.bin/tsc", [...args, source]);
    expect(compiled).toEqual({ code: 0, stdout: "", stderr: "" });
  },
  120_000,
);

it.each([
  ["import", "use.mjs", 'import * as client from "@distribu/customers-client";'],
  ["require", "use.cjs", 'const client = require("@distribu/customers-client");'],
])("client package: %s in Node.js → lists customers", async (_name, file, statement) => {
  const server = await startServer();
  onTestFinished(() => server.stop());
  const KEY = await server.createKey();
  await (await server.client(KEY)).POST("/customers", { body: { email: "buyer@modules.example" } });
  writeFileSync(
    join(folder.path, file),
    `${statement}
const { API: baseUrl, KEY: apiKey } = process.env;
(async () => {
  for await (const { email } of client.createCustomersClient({ baseUrl, apiKey }).customers()) console.log(email);
})();
`,
  );
  const environment = { API: `${server.url}/api/v1`, KEY };
  const ran = await runProgram(process.execPath, [join(folder.path, file)], environment);
  expect(ran).toEqual({ code: 0, stdout: "buyer@modules.example\n", stderr: "" });
});
