/**
 * Proves the client generators against a live server: each generates from the served contract, and
 * its `use.ts` must compile under `strict` and run. Prints the result and writes it to README.md.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Generator, generators, postman } from "./generators.ts";

const here = fileURLToPath(new URL(".", import.meta.url));
const root = join(here, "../..");
const temporary = mkdtempSync(join(tmpdir(), "distribu-partners-"));
const versions: Record<string, string> = JSON.parse(
  readFileSync(join(here, "package.json"), "utf8"),
).devDependencies;

/** What a generator came to; a failure is the output that shows it. */
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

const environment = {
  ...process.env,
  DATABASE_URL: `sqlite:${join(temporary, "partners.db")}`,
  HOST: "127.0.0.1",
  PORT: "0",
  LOG_LEVEL: "info",
  RATE_LIMIT_PER_MINUTE: "0",
  // Else the server would make its demo company, and log a key.
  NODE_ENV: "production",
  // Some generators report each run to their makers.
  DO_NOT_TRACK: "1",
};

/** Runs a shell command to its end. */
async function run(command: string, cwd: string, variables: Record<string, string> = {}): Promise<Finished> {
  const child = spawn("sh", ["-c", command], {
    cwd,
    env: { ...environment, ...variables },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += chunk));
  const [code] = await once(child, "close");
  return { code, output };
}

/** The built server in a process of its own, and where it listens. */
async function startServer() {
  const server = spawn(process.execPath, ["dist/server/main.js"], {
    cwd: root,
    env: environment,
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  const url = await new Promise<string>((resolve, reject) => {
    server.stdout.on("data", (chunk) => {
      output += chunk;
      const listening = /"url":"([^"]+)"/.exec(output)?.[1];
      if (listening) resolve(listening);
    });
    server.once("exit", () => reject(new Error(`The server ended before it listened:\n${output}`)));
  });
  return { server, url };
}

/** A new company's key, and the environment in which a partner works. */
async function createPartner(company: string, url: string) {
  const { code, output } = await run(
    `node dist/server/cli.js keys create --company ${company} --scopes customers:read,customers:write`,
    root,
  );
  if (code !== 0) throw new Error(output);
  return { DISTRIBU_URL: url, DISTRIBU_API_KEY: output.trim() };
}

/**
 * Gives a company a customer that is valid and unusual: clients that have an own idea of an email
 * address or of a name would fail when they read it.
 */
async function seed({ DISTRIBU_URL, DISTRIBU_API_KEY }: Record<string, string>) {
  const answer = await fetch(`${DISTRIBU_URL}/api/v1/customers`, {
    method: "POST",
    headers: { Authorization: `Bearer ${DISTRIBU_API_KEY}`, "Content-Type": "application/json" },
    body: JSON.stringify({
      email: "o!b+{x}'@y-1.z9",
      name: "Zoë \u{1F950} \u0001 עברית",
      taxRateOverride: 0,
    }),
  });
  if (answer.status !== 201) throw new Error(`The seed was answered ${answer.status} ${await answer.text()}`);
}

async function proveGenerators(url: string): Promise<Result[]> {
  const generated: Finished[] = [];
  for (const { folder, generate } of generators) {
    generated.push(
      await run(`rm -rf client client.*; ${generate}`, join(here, folder), { DISTRIBU_URL: url }),
    );
  }
  const checked = await run("npx tsc", here);
  if (checked.code !== 0 && !/^\S+\(\d+,\d+\): error/m.test(checked.output)) throw new Error(checked.output);
  const results: Result[] = [];
  for (const [index, generator] of generators.entries()) {
    const { folder, notes } = generator;
    const failures: string[] = [];
    const generation = generated[index] as Finished;
    if (generation.code !== 0) failures.push(generation.output);
    const typeErrors = checked.output.split("\n").filter((line) => line.startsWith(`${folder}/`));
    failures.push(...typeErrors);
    const variables = await createPartner(folder, url);
    await seed(variables);
    const used = await run("npx tsx use.ts", join(here, folder), variables);
    if (used.code !== 0) failures.push(used.output);
    results.push({
      name: titleOf(generator),
      compiles: generation.code === 0 && typeErrors.length === 0 ? "yes" : "NO",
      runs: used.code === 0 ? "yes" : "NO",
      notes,
      failures,
    });
  }
  return results;
}

interface Execution {
  item: { name: string };
  response?: { code: number };
}

/**
 * Runs Postman's collection twice: as it was made, when the example's id is unknown and its email
 * is free, and with the id of a customer in place of the example's.
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
      if (status === undefined || !responses[status]) failures.push(`${operationId} was answered ${status}`);
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
    "| Generator | Compiles | Runs | What a partner must know |",
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

function sectionOf(generator: Generator): string {
  const { folder, name, configuration, generate } = generator;
  const read = (file: string) => codeOf("ts", readFileSync(join(here, folder, file), "utf8"));
  return [
    `## ${name}`,
    codeOf("sh", installOf(generator, "typescript", "@types/node", "tsx")),
    ...(configuration ? [`\`${configuration}\`:`, read(configuration)] : []),
    codeOf("sh", generate),
    "`use.ts`, run by `npx tsx use.ts`:",
    read("use.ts"),
  ].join("\n\n");
}

function readmeOf(results: Result[]): string {
  return `${[
    "# Generated clients",
    `Written by \`npm run test:partners\`, which generates each client from the \`/openapi.json\` of a live
server, compiles it under \`strict\`, and runs \`use.ts\`: list (two pages), get, create, update, a 400
with its \`field\`, a 401, a 404 and a 409. One customer that each reads has an email and a name that
are valid and unusual.

To copy a section, begin in an empty folder, with \`"type": "module"\` in its \`package.json\`, the
\`tsconfig.json\` below, and a key of both scopes, best of a server of your own: the first \`npm start\`
prints one. \`use.ts\` creates a customer, and lists it with one that is there.`,
    codeOf("sh", "export DISTRIBU_URL=http://127.0.0.1:3000 DISTRIBU_API_KEY=dk_..."),
    tableOf(results),
    codeOf("json", readFileSync(join(here, "tsconfig.json"), "utf8")),
    ...generators.map(sectionOf),
    "## Postman",
    codeOf("sh", [installOf(postman), postman.fetch, postman.generate, postman.run].join("\n")),
    `Or import \`client-collection.json\` into the app. It is run twice here, as it was made and with the
id of a customer in place of the example's; every answer must be one that the contract describes, and
each operation must have succeeded.`,
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
