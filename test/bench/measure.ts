/** Measures the servers of one engine. */
import { setTimeout as sleep } from "node:timers/promises";
import { compareResponses } from "./compareResponses.ts";
import { buildRequests, createData, type OperationName, operations, shares } from "./data.ts";
import { type BenchDatabase, type Engine, type RunningEngine, startEngine } from "./engines.ts";
import { load } from "./load.ts";
import {
  computeFigures,
  type EngineResults,
  median,
  type ProcessFigures,
  type Sample,
  type Setting,
} from "./results.ts";
import {
  type BenchServer,
  readCpuTime,
  readMemory,
  type ServerName,
  startServer,
  sumCpuTime,
  titles,
} from "./servers.ts";

/** Options of the measurement. */
interface Measurement extends Setting {
  engine: Engine;
  /** The servers; the first one is compared with the others. */
  names: ServerName[];
  timed: readonly OperationName[];
  /** The folder for SQLite's databases and the servers' logs. */
  folder: string;
}

type Requests = ReturnType<typeof buildRequests>;

/**
 * The number of parts in which the requests of a round are sent, so that other load on the machine affects all servers
 * alike.
 */
const passes = 4;

/** How often each server is started to measure its startup. */
const starts = 5;

/** Fills a database, compares the responses of the servers on copies of it, and measures them. */
export async function measureEngine(measurement: Measurement): Promise<EngineResults> {
  const { engine, names, customers, timed, rounds, folder } = measurement;
  const running = await startEngine(engine, folder);
  try {
    printProgress(`${engine}: writing ${customers} customers ...`);
    const template = await running.createDatabase();
    const data = await createData(template.url, customers);
    const copies = new Map<ServerName, BenchDatabase>();
    for (const name of names) copies.set(name, await running.copyDatabase(template.url));
    const bench = { ...measurement, copies, template, running, requests: buildRequests(data) };

    await withServers(bench, async (servers) => {
      const count = await compareResponses(servers, data);
      printProgress(
        `${servers.length} servers gave the same ${count} responses, which conform to the contract.`,
      );
    });
    const processes = await measureProcesses(bench);
    const samples = new Map<string, Sample[]>();
    for (let round = 1; round <= rounds; round++) {
      printProgress(`${engine}: round ${round} of ${rounds} ...`);
      await measureRound(bench, round, samples);
    }
    const getSamples = (operation: string, name?: ServerName) => samples.get(`${operation}/${name}`) ?? [];
    const figures = timed.map((operation) => {
      const first = getSamples(operation, names[0]);
      return [
        operation,
        Object.fromEntries(names.map((name) => [name, computeFigures(getSamples(operation, name), first)])),
      ];
    });
    return { operations: Object.fromEntries(figures), servers: processes };
  } finally {
    await running.stop();
  }
}

interface Bench extends Measurement {
  /** The database of each server. */
  copies: Map<ServerName, BenchDatabase>;
  template: BenchDatabase;
  running: RunningEngine;
  requests: Requests;
}

/** Starts a server on its copy of the data. */
function start({ copies, folder }: Bench, name: ServerName): Promise<BenchServer> {
  return startServer(name, (copies.get(name) as BenchDatabase).url, folder);
}

/** Replaces a server's copy with a new copy of the original data. */
async function renewCopy({ copies, running, template }: Bench, name: ServerName): Promise<void> {
  await copies.get(name)?.drop();
  copies.set(name, await running.copyDatabase(template.url));
}

/** Starts all servers, runs a function, and stops them. */
async function withServers(bench: Bench, work: (servers: BenchServer[]) => Promise<void>): Promise<void> {
  const servers: BenchServer[] = [];
  try {
    for (const name of bench.names) servers.push(await start(bench, name));
    await work(servers);
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
}

/**
 * Loads all servers in turn, in new processes: by chance, one process may be a tenth faster than another of the same
 * program.
 */
async function measureRound(bench: Bench, round: number, samples: Map<string, Sample[]>): Promise<void> {
  for (const name of bench.names) await renewCopy(bench, name);
  await withServers(bench, async (servers) => {
    // Each server comes first equally often.
    const inTurn = [...servers.slice(round % servers.length), ...servers.slice(0, round % servers.length)];
    for (let pass = 0; pass <= passes; pass++) {
      // The first pass is a warm-up, and is not counted.
      const share = pass === 0 ? 1 : 1 / passes;
      for (const operation of bench.timed) {
        for (const server of inTurn) {
          const count = Math.ceil(bench.requestsPerRound * shares[operation] * share);
          const sample = await loadOnce(bench, server, count, operation);
          const key = `${operation}/${server.name}`;
          if (pass > 0) samples.set(key, [...(samples.get(key) ?? []), sample]);
        }
      }
    }
  });
}

/** Starts each server several times in turn to measure its startup; the last time, also measures its memory under load. */
async function measureProcesses(bench: Bench): Promise<EngineResults["servers"]> {
  const found = {} as EngineResults["servers"];
  const times = new Map<ServerName, number[]>(bench.names.map((name) => [name, []]));
  const cpu = new Map<ServerName, number[]>(bench.names.map((name) => [name, []]));
  for (let count = 1; count <= starts; count++) {
    for (const name of bench.names) {
      const server = await start(bench, name);
      times.get(name)?.push(server.startMilliseconds);
      cpu.get(name)?.push(readCpuTime(server.pid).total / 1000);
      if (count === starts) {
        await sleep(1_000);
        const figures: ProcessFigures = {
          startMilliseconds: median(times.get(name) ?? []),
          startCpuMilliseconds: median(cpu.get(name) ?? []),
          idleMegabytes: readMemory(server.pid),
        };
        if (bench.soakRequests > 0) figures.soakedMegabytes = await soak(bench, server);
        found[name] = figures;
      }
      await server.stop();
    }
  }
  return found;
}

/** Returns the resident memory after many requests of all operations, in megabytes. */
async function soak(
  { connections, requests, soakRequests }: Bench,
  { name, port, pid }: BenchServer,
): Promise<number> {
  printProgress(`${soakRequests} requests for the memory of ${titles[name]} ...`);
  for (const operation of operations)
    await load(port, connections, Math.ceil(soakRequests / operations.length), requests[operation]);
  return readMemory(pid);
}

async function loadOnce(
  { connections, requests, running }: Bench,
  server: BenchServer,
  count: number,
  operation: OperationName,
): Promise<Sample> {
  const databaseBefore = sumCpuTime(running.processIds());
  const before = readCpuTime(server.pid);
  const { seconds, latencies } = await load(server.port, connections, count, requests[operation]);
  const after = readCpuTime(server.pid);
  const databaseAfter = sumCpuTime(running.processIds());
  return {
    requestsPerSecond: count / seconds,
    cpuMicroseconds: (after.total - before.total) / count,
    databaseCpuMicroseconds: (databaseAfter - databaseBefore) / count,
    userTicks: after.userTicks - before.userTicks,
    systemTicks: after.systemTicks - before.systemTicks,
    p50Milliseconds: latencies[Math.floor(count * 0.5)] as number,
    p99Milliseconds: latencies[Math.floor(count * 0.99)] as number,
    megabytes: readMemory(server.pid),
  };
}

function printProgress(text: string): void {
  console.error(text);
}
