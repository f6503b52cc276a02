/**
 * The benchmark: `npm run bench`. Starts this server and four references as processes of their own,
 * each on its copy of the same data, checks that they give the same answers, loads them in turn,
 * and compares. It needs Linux (the CPU time comes from /proc) and two free cores.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { drawChart } from "./chart.ts";
import { createData, operations, requestsFor, shares } from "./data.ts";
import { load } from "./load.ts";
import {
  figuresOf,
  median,
  type ProcessFigures,
  printResults,
  type Results,
  type Sample,
  toJson,
} from "./results.ts";
import { checkAnswers } from "./sameAnswers.ts";
import {
  type BenchServer,
  cpuTimeOf,
  installedSize,
  installReferences,
  memoryOf,
  programs,
  type ServerName,
  startServer,
} from "./servers.ts";

const help = `Usage: npm run bench -- [options]

  --rounds <n>       how often each server is started and loaded, in turn (5)
  --requests <n>     requests of get a round; the others are a share of it (4000)
  --connections <n>  connections, each with one request at a time (16)
  --customers <n>    customers of the company that asks (100000)
  --only <name,...>  of ${operations.join(", ")}; a beginning is enough
  --servers <...>    of ${Object.keys(programs).join(", ")}
  --soak <n>         requests after which resident memory is read (100000); 0 for none
  --folder <path>    where the databases go (the system's temporary folder); no file system in
                     memory, or a durable write costs nothing

A run of everything writes test/bench/results.json and test/bench/chart.svg.`;

const { values: options } = parseArgs({
  options: {
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
const rounds = Number(options.rounds);
const requests = Number(options.requests);
/** A round's requests are sent in so many parts, so that what else the machine does meets all servers alike. */
const passes = 4;
const connections = Number(options.connections);
const soak = Number(options.soak);
const names = options.servers.split(",") as ServerName[];
const unknown = names.find((name) => !Object.hasOwn(programs, name));
if (unknown !== undefined) throw new Error(`No server is named ${unknown}`);
const timed = operations.filter((name) => options.only.split(",").some((start) => name.startsWith(start)));

installReferences();
const folder = mkdtempSync(join(options.folder, "bench-"));
let running: BenchServer[] = [];
try {
  const results = await measure();
  printResults(results);
  if (timed.length === operations.length && names.length === Object.keys(programs).length) {
    writeFileSync(join(import.meta.dirname, "results.json"), toJson(results));
    writeFileSync(join(import.meta.dirname, "chart.svg"), drawChart(results));
  }
} finally {
  await stopAll();
  rmSync(folder, { recursive: true, force: true });
}

async function startAll(database: string): Promise<void> {
  for (const name of names) running.push(await startServer(name, database, folder));
}

async function stopAll(): Promise<void> {
  await Promise.all(running.map((server) => server.stop()));
  running = [];
}

/** Removes a server's copy of the data: its next start is on the data as it was. */
function removeCopy(name: ServerName): void {
  for (const suffix of ["", "-wal", "-shm"]) rmSync(join(folder, `${name}.db${suffix}`), { force: true });
}

async function measure(): Promise<Results> {
  progress(`Writing ${options.customers} customers ...`);
  const data = await createData(join(folder, "data.db"), Number(options.customers));
  const next = requestsFor(data);
  await startAll(data.file);
  const answers = await checkAnswers(running, data);
  progress(`${running.length} servers gave the same ${answers} answers, as the contract says.`);
  await stopAll();
  names.forEach(removeCopy);
  const servers = await measureProcesses(data.file, next);

  const samples = new Map<string, Sample[]>();
  for (let round = 1; round <= rounds; round++) {
    progress(`Round ${round} of ${rounds} ...`);
    // New processes each round: one and the same program is by chance a tenth faster in one than in another.
    await startAll(data.file);
    // Each is the first as often as any other.
    const inTurn = [...running.slice(round % running.length), ...running.slice(0, round % running.length)];
    for (let pass = 0; pass <= passes; pass++) {
      // The first warms up, and is not counted.
      const share = pass === 0 ? 1 : 1 / passes;
      for (const operation of timed) {
        for (const server of inTurn) {
          const count = Math.ceil(requests * shares[operation] * share);
          const sample = await loadOnce(server, count, next[operation]);
          const key = `${operation}/${server.name}`;
          if (pass > 0) samples.set(key, [...(samples.get(key) ?? []), sample]);
        }
      }
    }
    await stopAll();
  }

  const first = names[0] as ServerName;
  const samplesOf = (operation: string, name: ServerName) => samples.get(`${operation}/${name}`) ?? [];
  return {
    setting: {
      date: new Date().toISOString().slice(0, 10),
      node: process.version,
      processor: `${cpus().length} x ${cpus()[0]?.model}`,
      customers: Number(options.customers),
      connections,
      rounds,
      requestsPerRound: requests,
      soakRequests: soak,
    },
    operations: Object.fromEntries(
      timed.map((operation) => [
        operation,
        Object.fromEntries(
          names.map((name) => [name, figuresOf(samplesOf(operation, name), samplesOf(operation, first))]),
        ),
      ]),
    ) as Results["operations"],
    servers,
    installed: installedSize(),
  };
}

/** Starts each server five times, in turn, to see how long it takes; the last time, loads it for its memory. */
async function measureProcesses(
  file: string,
  next: ReturnType<typeof requestsFor>,
): Promise<Results["servers"]> {
  const starts = 5;
  const found = {} as Results["servers"];
  const times = new Map<ServerName, number[]>(names.map((name) => [name, []]));
  const cpu = new Map<ServerName, number[]>(names.map((name) => [name, []]));
  for (let start = 1; start <= starts; start++) {
    for (const name of names) {
      const server = await startServer(name, file, folder);
      running = [server];
      times.get(name)?.push(server.startMilliseconds);
      cpu.get(name)?.push(cpuTimeOf(server.pid).total / 1000);
      if (start === starts) {
        await sleep(1_000);
        const figures: ProcessFigures = {
          startMilliseconds: median(times.get(name) ?? []),
          startCpuMilliseconds: median(cpu.get(name) ?? []),
          idleMegabytes: memoryOf(server.pid),
        };
        if (soak > 0) {
          progress(`${soak} requests for the memory of ${name} ...`);
          for (const operation of operations)
            await load(server.port, connections, Math.ceil(soak / operations.length), next[operation]);
          figures.soakedMegabytes = memoryOf(server.pid);
        }
        found[name] = figures;
      }
      await server.stop();
      running = [];
      removeCopy(name);
    }
  }
  return found;
}

async function loadOnce(
  server: BenchServer,
  count: number,
  next: Parameters<typeof load>[3],
): Promise<Sample> {
  const before = cpuTimeOf(server.pid);
  const { seconds, latencies } = await load(server.port, connections, count, next);
  const after = cpuTimeOf(server.pid);
  return {
    requestsPerSecond: count / seconds,
    cpuMicroseconds: (after.total - before.total) / count,
    userTicks: after.userTicks - before.userTicks,
    systemTicks: after.systemTicks - before.systemTicks,
    p50Milliseconds: latencies[Math.floor(count * 0.5)] as number,
    p99Milliseconds: latencies[Math.floor(count * 0.99)] as number,
    megabytes: memoryOf(server.pid),
  };
}

function progress(text: string): void {
  console.error(text);
}
