/**
 * Tests the client generators with a live server: runs the commands of README.md for each in a shell, in a folder of
 * its own, which install it, generate code from the served contract, compile it under `strict`, and run it. Also runs
 * the packed client by the commands of client/README.md, and under Jest. Prints the results and writes README.md.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { generators, postman } from "./generators.ts";
import { testJest } from "./jest.ts";
import { testPackedClient } from "./packedClient.ts";
import { testPostman } from "./postman.ts";
import { buildCommands, formatReadme, formatTable, formatTitle, nameProject, type Result } from "./readme.ts";
import { here, type PartnerVariables, root, run, temporary } from "./shell.ts";

const serverEnvironment = {
  DATABASE_URL: `sqlite:${join(temporary, "partners.db")}`,
  HOST: "127.0.0.1",
  PORT: "0",
  LOG_LEVEL: "info",
  RATE_LIMIT_PER_MINUTE: "0",
  // Otherwise the server would create its demo company, and print a key.
  NODE_ENV: "production",
};

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
async function createPartner(company: string, url: string): Promise<PartnerVariables> {
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

const unusualEmail = "o!b+{x}'@y-1.z9";

/**
 * Creates a valid but unusual customer: clients with their own idea of an email address or a name would fail to read
 * it.
 */
async function seed({ DISTRIBU_URL, DISTRIBU_API_KEY }: PartnerVariables): Promise<void> {
  const response = await fetch(`${DISTRIBU_URL}/api/v1/customers`, {
    method: "POST",
    headers: { Authorization: `Bearer ${DISTRIBU_API_KEY}`, "Content-Type": "application/json" },
    body: JSON.stringify({
      email: unusualEmail,
      name: "Zoë \u{1F950} \u0001 עברית",
      taxRateOverride: 0,
    }),
  });
  if (response.status !== 201) throw new Error(`The seed got ${response.status} ${await response.text()}`);
}

async function testGenerators(url: string): Promise<Result[]> {
  const results: Result[] = [];
  for (const generator of generators) {
    const variables = await createPartner(generator.folder, url);
    await seed(variables);
    // The last line runs what the others generate and compile.
    const commands = buildCommands(generator).split("\n");
    const last = commands.pop() as string;
    const compiled = await run(["set -e", ...commands].join("\n"), temporary, variables);
    const used = await run(last, join(temporary, nameProject(generator)), variables);
    const runs = used.code === 0 && /^The first listed customer: \S+@\S+$/m.test(used.output);
    results.push({
      name: formatTitle(generator),
      compiles: compiled.code === 0 ? "yes" : "NO",
      runs: runs ? "yes" : "NO",
      notes: generator.notes,
      failures: [...(compiled.code === 0 ? [] : [compiled.output]), ...(runs ? [] : [used.output])],
    });
  }
  const failures = await testPostman(await createPartner(postman.folder, url));
  const runs = failures.length === 0 ? "yes" : "NO";
  return [
    ...results,
    { name: formatTitle(postman), compiles: "no types", runs, notes: postman.notes, failures },
  ];
}

const { server, url } = await startServer();
try {
  const jest = {
    name: "The packed client under Jest",
    failures: await testJest(await createPartner("jest", url)),
  };
  const packed = await createPartner("packed", url);
  await seed(packed);
  const threeCommands = {
    name: "The packed client by three commands",
    failures: await testPackedClient(packed, unusualEmail),
  };
  const results = await testGenerators(url);
  const all = [jest, threeCommands, ...results];
  const failed = all.filter(({ failures }) => failures.length > 0);
  for (const { name, failures } of failed) console.log(`${name}\n\n${failures.join("\n")}\n`);
  console.log(formatTable(results));
  if (failed.length === 0) writeFileSync(join(here, "README.md"), formatReadme(results));
  console.log(`\n${all.length - failed.length} passed, ${failed.length} failed`);
  if (failed.length > 0) process.exitCode = 1;
} finally {
  server.kill("SIGTERM");
  await once(server, "exit");
  rmSync(temporary, { recursive: true, force: true });
}
