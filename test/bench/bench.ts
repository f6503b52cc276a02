/**
 * The benchmark: `npm run bench`. Starts this server and the references as processes, each on its own copy of the same
 * data, checks that their responses are the same, loads them in turn, and compares. It needs Linux (it reads the CPU
 * time from /proc) and two free cores.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { drawChart } from "./chart.ts";
import { operations } from "./data.ts";
import { engines, parseEngines } from "./engines.ts";
import { measureEngine } from "./measure.ts";
import { printResults, type Results, toJson } from "./results.ts";
import {
  installReferences,
  measureInstalledSize,
  programs,
  type ServerName,
  serversByEngine,
} from "./servers.ts";

const help = `Usage: npm run bench -- [options]

  --engines <...>    of ${engines.join(", ")}
  --rounds <n>       how often each server is started and loaded, in turn (5)
  --requests <n>     requests of get a round; the others are a share of it (4000)
  --connections <n>  connections, each with one request at a time (16)
  --customers <n>    customers of the company whose key is used (100000)
  --only <name,...>  of ${operations.join(", ")}; a beginning is enough
  --servers <...>    of ${Object.keys(programs).join(", ")}; PostgreSQL has ${serversByEngine.postgres.join(", ")}
  --soak <n>         requests after which resident memory is read (100000); 0 for none
  --folder <path>    where the databases of SQLite go (the system's temporary folder); no file system in
                     memory, or a durable write costs nothing

A run of all operations and servers writes test/bench/results.json and test/bench/chart.svg; what they say of
an engine that was not measured stays.`;

const { values: options } = parseArgs({
  options: {
    engines: { type: "string", default: engines.join() },
    rounds: { type: "string", default: "5" },
    requests: { type: "string", default: "4000" },
    connections: { type: "string", default: "16" },
    customers: { type: "string", default: "100000" },
    only: { type: "string", default: "" },
    servers: { type: "string", default: Object.keys(programs).join() },
    soak: { type: "string", default: "100000" },
    folder: { type: "string", default: tmpdir() },
    help: { type: "boolean", default: false },
  },
});
if (options.help) {
  console.log(help);
  process.exit(0);
}
const names = options.servers.split(",") as ServerName[];
const unknown = names.find((name) => !Object.hasOwn(programs, name));
if (unknown !== undefined) throw new Error(`No server is named ${unknown}`);
const timed = operations.filter((name) => options.only.split(",").some((start) => name.startsWith(start)));
const measured = parseEngines(options.engines);

installReferences();
const folder = mkdtempSync(join(options.folder, "bench-"));
const results: Results = {
  setting: {
    date: new Date().toISOString().slice(0, 10),
    node: process.version,
    processor: `${cpus().length} x ${cpus()[0]?.model}`,
    customers: Number(options.customers),
    connections: Number(options.connections),
    rounds: Number(options.rounds),
    requestsPerRound: Number(options.requests),
    soakRequests: Number(options.soak),
  },
  engines: {},
  installed: measureInstalledSize(),
};
try {
  for (const engine of measured) {
    results.engines[engine] = await measureEngine({
      engine,
      names: serversByEngine[engine].filter((name) => names.includes(name)),
      timed,
      folder,
      ...results.setting,
    });
  }
  if (timed.length === operations.length && names.length === Object.keys(programs).length) {
    const file = join(import.meta.dirname, "results.json");
    const before = JSON.parse(readFileSync(file, "utf8")) as Results;
    const engines = { ...before.engines, ...results.engines };
    writeFileSync(file, toJson({ ...results, engines }));
    const { sqlite } = results.engines;
    if (sqlite) writeFileSync(join(import.meta.dirname, "chart.svg"), drawChart(results.setting, sqlite));
  }
} finally {
  // After a failure, of the engines that were measured before it.
  printResults(results);
  rmSync(folder, { recursive: true, force: true });
}
