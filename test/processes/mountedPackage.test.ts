/** The packed server in another application: the example of server/README.md, with more middleware. */
import { readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { installPackage } from "../support/packages.ts";
import { readBlock } from "../support/pages.ts";
import { launchServer, runProgram } from "../support/processes.ts";
import { temporaryFolder } from "../support/temporaryFolder.ts";

const folder = temporaryFolder();
const example = readBlock("server/README.md", "ts", "mount");

beforeAll(() => {
  installPackage(folder.path);
  for (const name of ["helmet", "compression", "@types/compression", "@types/cors"])
    symlinkSync(join(process.cwd(), "node_modules", name), join(folder.path, "node_modules", name));
  const file = join(folder.path, "package.json");
  writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, "utf8")), type: "module" }));
  return folder.remove;
});

/** Returns the example with a free port, a log line with its address, and these lines before the API's router. */
function buildApplication(middlewares = ""): string {
  const changed = example
    .replace("app.use(api.router);", `${middlewares}$&`)
    .replace("app.listen(3000);", 'app.listen(0, "127.0.0.1", () => console.log(address()));');
  expect(changed.match(/listen\(0|app\.use\(api\.router\)/g)).toHaveLength(2);
  return `${changed}
function address(): string {
  return JSON.stringify({ url: \`http://127.0.0.1:\${(server.address() as { port: number }).port}\` });
}
`;
}

const middlewares = `app.use(cors({ origin: "https://theirs.example", preflightContinue: true }));
app.use(compression({ threshold: 0 }));
`;
const imports = `import compression from "compression";\nimport cors from "cors";\n`;

/** Runs an application without its types on a new database with a key for both scopes. */
async function start(code: string) {
  const { path, remove } = temporaryFolder();
  onTestFinished(remove);
  const DATABASE_URL = `sqlite:${join(path, "mounted.db")}`;
  const source = join(folder.path, "app.ts");
  writeFileSync(source, code.replace("sqlite:data/distribu.db", DATABASE_URL));
  const app = join(folder.path, "app.js");
  const stripped = await runProgram("node_modules/.bin/esbuild", [source, `--outfile=${app}`]);
  expect(stripped.code, stripped.stderr).toBe(0);
  const launched = launchServer({}, app, { cwd: folder.path });
  const url = await launched.listening();

  const args = "keys create --company acme --scopes customers:read,customers:write".split(" ");
  const created = await runProgram(join(folder.path, "node_modules/.bin/distribu"), args, { DATABASE_URL });
  expect(created.code, created.stderr).toBe(0);
  return { ...launched, url, key: created.stdout.trim() };
}

describe("createCustomersApi, packed", () => {
  it.each([
    ["nodenext", "--module nodenext"],
    ["bundler", "--module esnext --moduleResolution bundler --skipLibCheck"],
  ])(
    "server/README.md: example in TypeScript, %s → compiles",
    async (_name, options) => {
      const file = join(folder.path, "example.ts");
      writeFileSync(file, `${imports}${buildApplication(middlewares)}`);
      const compiled = await runProgram("node_modules/.bin/tsc", [
        ...`--noEmit --strict --target es2023 ${options}`.split(" "),
        file,
      ]);
      expect(compiled).toEqual({ code: 0, stdout: "", stderr: "" });
    },
    120_000,
  );

  it("server/README.md: example unchanged → API, pages, own routes; SIGTERM exits 0", async () => {
    const { url, key, process: child, exited } = await start(buildApplication());
    const get = async (path: string, headers = {}) => {
      const response = await fetch(url + path, { headers });
      return { status: response.status, text: await response.text(), headers: response.headers };
    };
    expect(await get("/mine")).toMatchObject({ status: 200, text: "mine" });
    for (const path of ["/docs", "/openapi.json", "/openapi.yaml", "/healthz", "/readyz"])
      expect([path, (await get(path)).status]).toEqual([path, 200]);
    expect(await get("/api/v1/customers")).toMatchObject({ status: 401 });
    const listed = await get("/api/v1/customers", { Authorization: `Bearer ${key}` });
    expect(listed).toMatchObject({
      status: 200,
      text: '{"data":[],"pagination":{"hasMore":false,"nextCursor":null}}',
    });
    expect(listed.headers.get("Strict-Transport-Security")).not.toBeNull();
    expect(await get("/api/v1/nothing")).toMatchObject({ status: 404, text: '{"error":"Not found."}' });
    expect(await get("/nothing")).toMatchObject({ status: 404, text: "theirs" });
    child.kill("SIGTERM");
    expect(await exited).toBe(0);
  });

  it("createCustomersApi: helmet, cors and compression → conforms to the contract", async () => {
    const { url, key } = await start(`${imports}${buildApplication(middlewares)}`);
    const checked = await runProgram(join(folder.path, "node_modules/.bin/distribu"), [
      ...["contract", "--url", url, "--key", key],
    ]);
    expect(checked.code, checked.stdout + checked.stderr).toBe(0);
    const listed = await fetch(`${url}/api/v1/customers`, { headers: { Authorization: `Bearer ${key}` } });
    expect(listed.headers.get("Content-Encoding")).not.toBeNull();
    expect(listed.headers.get("Access-Control-Allow-Origin")).toBe("https://theirs.example");
  });
});
