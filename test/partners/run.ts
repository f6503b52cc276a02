/**
 * Tests the client generators with a live server: runs the commands of README.md for each in a shell, in a folder of
 * its own, which install it, generate code from the served contract, compile it under `strict`, and run it. Prints the
 * result and writes it to README.md.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { sandboxKeys } from "../../server/sandbox/data.ts";
import { type Generator, generators, postman } from "./generators.ts";

const here = fileURLToPath(new URL(".", import.meta.url));
const root = join(here, "../..");
const temporary = mkdtempSync(join(tmpdir(), "distribu-partners-"));
const versions: Record<string, string> = JSON.parse(
  readFileSync(join(here, "package.json"), "utf8"),
).devDependencies;

/** The result of a generator; a failure is the output with the error. */
interface Result {
  name: string;
  compiles: string;
  runs: string;
  notes: string[];
  failures: string[];
}

interface Finished {
  code: number | null;
  output: string;
}

const serverEnvironment = {
  DATABASE_URL: `sqlite:${join(temporary, "partners.db")}`,
  HOST: "127.0.0.1",
  PORT: "0",
  LOG_LEVEL: "info",
  RATE_LIMIT_PER_MINUTE: "0",
  // Otherwise the server would create its demo company, and print a key.
  NODE_ENV: "production",
};
/** The environment of a shell, without the variables that `npm run` sets for this project. */
const shellEnvironment = {
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("npm_"))),
  npm_config_prefer_offline: "true",
  // Some generators send telemetry.
  DO_NOT_TRACK: "1",
};

/** Runs a shell that reads the commands as if pasted: a program that reads standard input consumes the rest. */
async function run(command: string, cwd: string, variables: Record<string, string> = {}): Promise<Finished> {
  const child = spawn("sh", ["-s"], { cwd, env: { ...shellEnvironment, ...variables } });
  child.stdin.end(command);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += chunk));
  const [code] = await once(child, "close");
  return { code, output };
}

/** Starts the built server; returns its process and its address. */
async function startServer() {
  const server = spawn(process.execPath, ["dist/server/main.js"], {
    cwd: root,
    env: { ...process.env, ...serverEnvironment },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  const url = await new Promise<string>((resolve, reject) => {
    server.stdout.on("data", (chunk) => {
      output += chunk;
      const listening = /"url":"([^"]+)"/.exec(output)?.[1];
      if (listening) resolve(listening);
    });
    server.once("exit", () => reject(new Error(`The server exited before it listened:\n${output}`)));
  });
  return { server, url };
}

/** Creates a company with a key; returns the environment of a partner. */
async function createPartner(company: string, url: string) {
  const { code, output } = await run(
    `node dist/server/cli.js keys create --company ${company} --scopes customers:read,customers:write`,
    root,
    serverEnvironment,
  );
  if (code !== 0) throw new Error(output);
  // The output also names the database.
  const [key = ""] = /^dk_\S+$/m.exec(output) ?? [];
  return { DISTRIBU_URL: url, DISTRIBU_API_KEY: key };
}

/**
 * Creates a valid but unusual customer: clients with their own idea of an email address or a name would fail to read
 * it.
 */
async function seed({ DISTRIBU_URL, DISTRIBU_API_KEY }: Record<string, string>) {
  const response = await fetch(`${DISTRIBU_URL}/api/v1/customers`, {
    method: "POST",
    headers: { Authorization: `Bearer ${DISTRIBU_API_KEY}`, "Content-Type": "application/json" },
    body: JSON.stringify({
      email: "o!b+{x}'@y-1.z9",
      name: "Zoë \u{1F950} \u0001 עברית",
      taxRateOverride: 0,
    }),
  });
  if (response.status !== 201) throw new Error(`The seed got ${response.status} ${await response.text()}`);
}

async function proveGenerators(url: string): Promise<Result[]> {
  const results: Result[] = [];
  for (const generator of generators) {
    const variables = await createPartner(generator.folder, url);
    await seed(variables);
    // The last line runs the result of the others.
    const [, making, using] = /^(.*)\n(.*)$/s.exec(pasteOf(generator)) as string[] as [
      string,
      string,
      string,
    ];
    const made = await run(`set -e\n${making}`, temporary, variables);
    const used = await run(using, join(temporary, projectOf(generator)), variables);
    const runs = used.code === 0 && /^The first listed customer: \S+@\S+$/m.test(used.output);
    results.push({
      name: titleOf(generator),
      compiles: made.code === 0 ? "yes" : "NO",
      runs: runs ? "yes" : "NO",
      notes: generator.notes,
      failures: [...(made.code === 0 ? [] : [made.output]), ...(runs ? [] : [used.output])],
    });
  }
  return results;
}

interface Execution {
  item: { name: string };
  response?: { code: number };
}

/**
 * Runs Postman's collection twice: unchanged, when the example's id is unknown and its email is unused, and with the
 * id of a customer in place of the example's.
 */
async function provePostman(url: string): Promise<Result> {
  const folder = join(here, postman.folder);
  mkdirSync(folder, { recursive: true });
  const variables = await createPartner(postman.folder, url);
  const made = await run(`${postman.fetch} && ${postman.generate}`, folder, variables);
  const failures = made.code === 0 ? [] : [made.output];
  const succeeded = new Set<string>();
  const contract = JSON.parse(readFileSync(join(folder, "client.json"), "utf8"));
  // biome-ignore lint/suspicious/noExplicitAny: a parsed document
  const operations = Object.values<any>(contract.paths)
    // biome-ignore lint/suspicious/noExplicitAny: a parsed document
    .flatMap((path) => Object.values<any>(path))
    .filter(({ operationId }) => operationId);

  async function runCollection() {
    const report = join(temporary, "newman.json");
    await run(`${postman.run} --reporters json --reporter-json-export ${report}`, folder, variables);
    const executions: Execution[] = JSON.parse(readFileSync(report, "utf8")).run.executions;
    for (const { operationId, summary, responses } of operations) {
      const status = executions.find(({ item }) => item.name === summary)?.response?.code;
      if (status === undefined || !responses[status]) failures.push(`${operationId} got ${status}`);
      else if (status < 300) succeeded.add(operationId);
    }
  }

  await runCollection();
  const collection = join(folder, "client-collection.json");
  const listed = await fetch(`${url}/api/v1/customers`, {
    headers: { Authorization: `Bearer ${variables.DISTRIBU_API_KEY}` },
  });
  const [customer] = ((await listed.json()) as { data: { id: string }[] }).data;
  const exampleId = contract.paths["/customers/{id}"].parameters[0].example;
  writeFileSync(collection, readFileSync(collection, "utf8").replaceAll(exampleId, customer?.id ?? ""));
  await runCollection();

  for (const { operationId } of operations) {
    if (!succeeded.has(operationId)) failures.push(`${operationId} never succeeded`);
  }
  return {
    name: titleOf(postman),
    compiles: "no types",
    runs: failures.length === 0 ? "yes" : "NO",
    notes: postman.notes,
    failures,
  };
}

function titleOf({ name, alsoInstall }: { name: string; alsoInstall: string[] }): string {
  return [name, ...alsoInstall].map((dependency) => `${dependency} ${versions[dependency]}`).join(", ");
}

function tableOf(results: Result[]): string {
  return [
    "| Generator | Compiles | Runs | What to know |",
    "| --- | --- | --- | --- |",
    ...results.map(
      ({ name, compiles, runs, notes }) => `| ${name} | ${compiles} | ${runs} | ${notes.join(" ")} |`,
    ),
  ].join("\n");
}

function codeOf(language: string, code: string): string {
  return `\`\`\`${language}\n${code.trimEnd()}\n\`\`\``;
}

function installOf(
  { name, alsoInstall }: { name: string; alsoInstall: string[] },
  ...more: string[]
): string {
  const packages = [name, ...alsoInstall, ...more].map(
    (dependency) => `${dependency}@${versions[dependency]}`,
  );
  return `npm install -D ${packages.join(" ")}`;
}

/** Creates a folder for a partner's project, named differently from every package, as npm requires. */
function projectOf({ folder }: Generator): string {
  return `customers-by-${folder}`;
}

/** The commands for a partner's shell: from an empty folder to the first listed customer. */
function pasteOf(generator: Generator): string {
  const { folder, configuration, generate } = generator;
  const fileOf = (name: string, path: string) =>
    `cat > ${name} <<'END'\n${readFileSync(join(here, path), "utf8").trimEnd()}\nEND`;
  return [
    `mkdir ${projectOf(generator)} && cd ${projectOf(generator)}`,
    "npm init --yes && npm pkg set type=module",
    installOf(generator, "typescript", "@types/node", "tsx"),
    fileOf("tsconfig.json", "tsconfig.json"),
    ...(configuration ? [fileOf(configuration, `${folder}/${configuration}`)] : []),
    fileOf("use.ts", `${folder}/use.ts`),
    generate,
    "npx tsc",
    "npx tsx use.ts",
  ].join("\n");
}

function sectionOf(generator: Generator): string {
  return `## ${generator.name}\n\n${codeOf("sh", pasteOf(generator))}`;
}

function readmeOf(results: Result[]): string {
  return `${[
    "# Generated clients",
    `From an API key to a first listed customer, by copy and paste. Start a server, most quickly the sandbox
(\`npm ci && npm run sandbox\` in a checkout). In another shell, set its URL and a key with both scopes, then paste the
block of a generator. Each block creates a project in a new folder, generates the client from \`/openapi.json\`,
compiles it under \`strict\`, and runs \`use.ts\`, which uses the client: create, get, update, list (two pages), and
errors (400 with its \`field\`, 401, 404, 409).`,
    codeOf(
      "sh",
      `export DISTRIBU_URL=http://127.0.0.1:3000\nexport DISTRIBU_API_KEY=${sandboxKeys.both.key}`,
    ),
    `\`npm run test:partners\` runs each block exactly as shown, with a server and a company of its own, and writes this
page. Each client also reads a customer whose email and name are valid but unusual.`,
    tableOf(results),
    ...generators.map(sectionOf),
    "## Postman",
    codeOf("sh", [installOf(postman), postman.fetch, postman.generate, postman.run].join("\n")),
    `Or import \`client-collection.json\` into the app. The test runs it twice: as generated, and with the id of a
customer in place of the example's. Every response must conform to the contract, and each operation must succeed once.`,
  ].join("\n\n")}\n`;
}

const { server, url } = await startServer();
try {
  const results = [...(await proveGenerators(url)), await provePostman(url)];
  const failed = results.filter(({ failures }) => failures.length > 0);
  for (const { name, failures } of failed) console.log(`${name}\n\n${failures.join("\n")}\n`);
  console.log(tableOf(results));
  if (failed.length === 0) writeFileSync(join(here, "README.md"), readmeOf(results));
  console.log(`\n${results.length - failed.length} passed, ${failed.length} failed`);
  if (failed.length > 0) process.exitCode = 1;
} finally {
  server.kill("SIGTERM");
  await once(server, "exit");
  rmSync(temporary, { recursive: true, force: true });
}
