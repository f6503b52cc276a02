/**
 * How fast an import is, and how much memory it takes: `npm run bench:import -- --rows 1000000`. Writes
 * a CSV file, and imports it with the operator's own command on a new database of each engine.
 */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { parseArgs } from "node:util";
import { stringify } from "csv-stringify";
import { type Engine, engines, enginesOf, startEngine } from "./engines.ts";
import { person } from "./people.ts";

const { values: options } = parseArgs({
  options: {
    rows: { type: "string", default: "1000000" },
    engines: { type: "string", default: engines.join() },
  },
});
const rows = Number(options.rows);
const command = join(import.meta.dirname, "../../dist/server/cli.js");

const folder = mkdtempSync(join(tmpdir(), "distribu-import-"));
try {
  const file = join(folder, "customers.csv");
  await pipeline(Readable.from(people()), stringify({ header: true }), createWriteStream(file));
  console.log(
    `${rows} rows, ${(statSync(file).size / 2 ** 20).toFixed(0)} MB of CSV, Node ${process.version}`,
  );
  for (const name of enginesOf(options.engines)) await importInto(name, file);
} finally {
  rmSync(folder, { recursive: true });
}

function* people() {
  for (let index = 0; index < rows; index++) yield person(index);
}

async function importInto(name: Engine, file: string): Promise<void> {
  const engine = await startEngine(name);
  const database = await engine.createDatabase();
  try {
    const env = { ...process.env, DATABASE_URL: database.url };
    const keys = ["keys", "create", "--company", "acme", "--scopes", "customers:read"];
    execFileSync(process.execPath, [command, ...keys], { env });

    // The command's own process says, as it ends, the most memory that it had; in kilobytes.
    const reporter = `data:text/javascript,process.on("exit",()=>process.send(process.resourceUsage().maxRSS))`;
    const args = ["--import", reporter, command, "import", file, "--company", "acme"];
    const startedAt = performance.now();
    const child = spawn(process.execPath, args, { env, stdio: ["ignore", "inherit", "inherit", "ipc"] });
    let kilobytes = 0;
    child.on("message", (message) => (kilobytes = Number(message)));
    const [code] = await once(child, "close");
    if (code !== 0) throw new Error(`The import ended with ${code}`);
    const seconds = (performance.now() - startedAt) / 1000;
    console.log(
      `${name}: ${seconds.toFixed(1)} s, ${(rows / seconds).toFixed(0)} rows a second, at most ${(kilobytes / 1024).toFixed(0)} MB of resident memory`,
    );
  } finally {
    await database.drop();
    await engine.stop();
  }
}
