/**
 * Measures how fast an import is, how much memory it takes, and how long writes wait for it: `npm run bench:import --
 * --rows 200000 --baseline <commit>`. Writes a CSV file, and imports it with the command into new databases of each
 * engine, in turn with an earlier commit. Then measures the size of the database and the cost of writes, and finally an
 * import while eight clients create customers.
 */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { parseArgs } from "node:util";
import { stringify } from "csv-stringify";
import { connectDatabase } from "../../server/database/connect.ts";
import { type Engine, engines, parseEngines, type RunningEngine, startEngine } from "./engines.ts";
import { createUnderImport } from "./importClients.ts";
import { person } from "./people.ts";
import { measureSize, measureWrites } from "./writes.ts";

const { values: options } = parseArgs({
  options: {
    rows: { type: "string", default: "1000000" },
    engines: { type: "string", default: engines.join() },
    /** A commit that is measured in turn with this tree. */
    baseline: { type: "string" },
    runs: { type: "string", default: "1" },
    /** Also import while eight clients create customers. */
    clients: { type: "boolean", default: false },
  },
});
const rows = Number(options.rows);
const root = join(import.meta.dirname, "../..");

/** The cost of one import. */
interface Measured {
  seconds: number;
  cpuSeconds: number;
  megabytes: number;
  /** The size of the database in megabytes. */
  database: number;
  /** The size of the search index in megabytes. */
  index: number;
  writes: Awaited<ReturnType<typeof measureWrites>>;
}

const folder = mkdtempSync(join(tmpdir(), "distribu-import-"));
try {
  const file = join(folder, "customers.csv");
  await pipeline(Readable.from(generatePeople()), stringify({ header: true }), createWriteStream(file));
  const megabytes = statSync(file).size / 2 ** 20;
  console.log(`${rows} rows, ${megabytes.toFixed(0)} MB of CSV, Node ${process.version}`);
  const baseline = options.baseline === undefined ? undefined : checkOut(options.baseline);
  for (const name of parseEngines(options.engines)) await measureEngine(name, file, baseline);
} finally {
  rmSync(folder, { recursive: true });
}

function* generatePeople() {
  for (let index = 0; index < rows; index++) yield person(index);
}

/** Builds an earlier commit with the packages of this tree. Returns its folder. */
function checkOut(commit: string): string {
  const tree = join(folder, commit);
  mkdirSync(tree);
  execFileSync("sh", ["-c", `git archive ${commit} | tar -x -C ${tree}`], { cwd: root });
  symlinkSync(join(root, "node_modules"), join(tree, "node_modules"));
  execFileSync(join(root, "node_modules/.bin/tsc"), ["-b"], { cwd: tree, stdio: "inherit" });
  return tree;
}

async function measureEngine(name: Engine, file: string, baseline: string | undefined): Promise<void> {
  const engine = await startEngine(name);
  try {
    const trees = { ...(baseline && { [options.baseline as string]: baseline }), "this tree": root };
    const measured: Record<string, Measured[]> = {};
    for (let run = 0; run < Number(options.runs); run++) {
      for (const [label, tree] of Object.entries(trees)) {
        const database = await engine.createDatabase();
        const result = await importInto(database.url, tree, file, engine).finally(() => database.drop());
        measured[label] = [...(measured[label] ?? []), result];
      }
    }
    for (const [label, results] of Object.entries(measured))
      console.log(`${name}, ${label}: ${format(results)}`);
    if (options.clients) await measureClients(name, engine, file);
  } finally {
    await engine.stop();
  }
}

/** Returns the medians of some runs. */
function format(results: Measured[]): string {
  const median = (read: (result: Measured) => number) =>
    results.map(read).sort((one, other) => one - other)[results.length >> 1] ?? 0;
  const seconds = median((result) => result.seconds);
  const cost = (operation: "create" | "update", part: "server" | "database") =>
    median(({ writes }) => writes[operation][part]).toFixed(0);
  return [
    `${seconds.toFixed(1)} s (${(rows / seconds).toFixed(0)} rows a second)`,
    `${median(({ cpuSeconds }) => cpuSeconds).toFixed(1)} s of CPU`,
    `at most ${Math.max(...results.map(({ megabytes }) => megabytes)).toFixed(0)} MB of resident memory`,
    `database ${median(({ database }) => database).toFixed(0)} MB, search index ${median(({ index }) => index).toFixed(0)} MB`,
    `CPU of server and PostgreSQL: create ${cost("create", "server")} and ${cost("create", "database")} us, ` +
      `update ${cost("update", "server")} and ${cost("update", "database")} us`,
  ].join("; ");
}

async function importInto(
  databaseUrl: string,
  tree: string,
  file: string,
  engine: RunningEngine,
): Promise<Measured> {
  const env = { ...process.env, DATABASE_URL: databaseUrl };
  const command = join(tree, "dist/server/cli.js");
  // Commands do not create databases.
  if (tree === root) await (await connectDatabase({ url: databaseUrl })).close();
  const keys = ["keys", "create", "--company", "acme", "--scopes", "customers:read,customers:write"];
  const key = execFileSync(process.execPath, [command, ...keys], {
    cwd: tree,
    env,
    stdio: ["ignore", "pipe", "ignore"],
  });

  // The process reports its resource usage when it exits.
  const reporter = `data:text/javascript,process.on("exit",()=>process.send(process.resourceUsage()))`;
  const args = ["--import", reporter, command, "import", file, "--company", "acme"];
  const startedAt = performance.now();
  const child = spawn(process.execPath, args, {
    cwd: tree,
    env,
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  let usage: NodeJS.ResourceUsage | undefined;
  child.on("message", (message) => (usage = message as NodeJS.ResourceUsage));
  const [code] = await once(child, "close");
  if (code !== 0 || !usage) throw new Error(`The import exited with ${code}`);
  const seconds = (performance.now() - startedAt) / 1_000;
  return {
    ...(await measureSize(databaseUrl)),
    writes: await measureWrites(tree, databaseUrl, folder, key.toString().trim(), engine),
    seconds,
    cpuSeconds: (usage.userCPUTime + usage.systemCPUTime) / 1e6,
    megabytes: usage.maxRSS / 1_024,
  };
}

/** Imports while a server runs and eight clients create customers. */
async function measureClients(name: Engine, engine: RunningEngine, file: string): Promise<void> {
  for (const args of name === "sqlite" ? [[], ["--in-batches"], ["--dry-run"]] : [[], ["--dry-run"]]) {
    const database = await engine.createDatabase();
    try {
      const result = await createUnderImport(database.url, file, args);
      console.log(`${name}, import ${args.join(" ")} beside 8 clients: ${result}`);
    } finally {
      await database.drop();
    }
  }
}
