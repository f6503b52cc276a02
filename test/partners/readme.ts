/** README.md of this folder: the commands that are tested, and the results. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { sandboxKeys } from "../../server/sandbox/data.ts";
import { type Generator, generators, postman } from "./generators.ts";
import { here } from "./shell.ts";

/** The result of a generator; a failure is the output with the error. */
export interface Result {
  name: string;
  compiles: string;
  runs: string;
  notes: string[];
  failures: string[];
}

/** Packages that are installed together, and their generator. */
type Packages = Pick<Generator, "name" | "alsoInstall">;

const versions: Record<string, string> = JSON.parse(
  readFileSync(join(here, "package.json"), "utf8"),
).devDependencies;

export function formatTitle({ name, alsoInstall }: Packages): string {
  return [name, ...alsoInstall].map((dependency) => `${dependency} ${versions[dependency]}`).join(", ");
}

export function formatTable(results: Result[]): string {
  return [
    "| Generator | Compiles | Runs | Notes |",
    "| --- | --- | --- | --- |",
    ...results.map(
      ({ name, compiles, runs, notes }) => `| ${name} | ${compiles} | ${runs} | ${notes.join(" ")} |`,
    ),
  ].join("\n");
}

function formatCode(language: string, code: string): string {
  return `\`\`\`${language}\n${code.trimEnd()}\n\`\`\``;
}

function formatInstallation({ name, alsoInstall }: Packages, ...more: string[]): string {
  const packages = [name, ...alsoInstall, ...more].map(
    (dependency) => `${dependency}@${versions[dependency]}`,
  );
  return `npm install -D ${packages.join(" ")}`;
}

/** The folder of a partner's project, named differently from every package, as npm requires. */
export function nameProject({ folder }: Generator): string {
  return `customers-by-${folder}`;
}

/** The commands for a partner's shell: from an empty folder to the first listed customer. */
export function buildCommands(generator: Generator): string {
  const { folder, configuration, generate } = generator;
  const writeFile = (name: string, path: string) =>
    `cat > ${name} <<'END'\n${readFileSync(join(here, path), "utf8").trimEnd()}\nEND`;
  return [
    `mkdir ${nameProject(generator)} && cd ${nameProject(generator)}`,
    "npm init --yes && npm pkg set type=module",
    formatInstallation(generator, "typescript", "@types/node", "tsx"),
    writeFile("tsconfig.json", "tsconfig.json"),
    ...(configuration ? [writeFile(configuration, `${folder}/${configuration}`)] : []),
    writeFile("use.ts", `${folder}/use.ts`),
    generate,
    "npx tsc",
    "npx tsx use.ts",
  ].join("\n");
}

export function formatReadme(results: Result[]): string {
  return `${[
    "# Generated clients",
    `These commands take you from an API key to the first listed customer by copy and paste. Start a server; the
quickest way is the sandbox (\`npm ci && npm run sandbox\` in a checkout). In another shell, set its URL and a key with
both scopes, then paste the block of a generator. Each block creates a project in a new folder, generates the client
from \`/openapi.json\`, compiles it under \`strict\`, and runs \`use.ts\`, which uses the client: create, get, update, list
(two pages), and errors (400 with its \`field\`, 401, 404, 409).`,
    formatCode(
      "sh",
      `export DISTRIBU_URL=http://127.0.0.1:3000\nexport DISTRIBU_API_KEY=${sandboxKeys.both.key}`,
    ),
    `\`npm run test:partners\` runs each block exactly as shown, with a server and a company of its own, and writes this
page. Each client also reads a customer whose email and name are valid but unusual. For the packed
\`@distribu/customers-client\`, the suite also runs the three commands of [its page](../../client/README.md#install), and
[a Jest test](jest/customers.test.js) in CommonJS, each in an empty folder.`,
    formatTable(results),
    ...generators.map((generator) => `## ${generator.name}\n\n${formatCode("sh", buildCommands(generator))}`),
    "## Postman",
    formatCode("sh", [formatInstallation(postman), postman.fetch, postman.generate, postman.run].join("\n")),
    `Or import \`client-collection.json\` into the app. The test runs it twice: as generated, and with the ID of a
customer in place of the example's. Every response must conform to the contract, and each operation must succeed once.`,
  ].join("\n\n")}\n`;
}
