/** The figures of the benchmark, and the tables that it prints. */
import type { OperationName } from "./data.ts";
import type { Engine } from "./engines.ts";
import { type ServerName, titles } from "./servers.ts";

/** The result of one batch. */
export interface Sample {
  requestsPerSecond: number;
  cpuMicroseconds: number;
  /** Of PostgreSQL's processes. */
  databaseCpuMicroseconds: number;
  userTicks: number;
  systemTicks: number;
  p50Milliseconds: number;
  p99Milliseconds: number;
  megabytes: number;
}

/** One operation on one server: medians over the batches. CPU time is that of one request. */
export interface Figures {
  requestsPerSecond: number;
  cpuMicroseconds: number;
  databaseCpuMicroseconds: number;
  userMicroseconds: number;
  systemMicroseconds: number;
  p50Milliseconds: number;
  p99Milliseconds: number;
  megabytes: number;
  /** The ratio of the first server's CPU time to that of this one, in adjacent batches. */
  firstToThis: number;
}

/** Figures of a server other than those of requests. */
export interface ProcessFigures {
  startMilliseconds: number;
  /** The CPU time of the startup, which other load on the machine affects less. */
  startCpuMilliseconds: number;
  idleMegabytes: number;
  /** After `soakRequests` requests; absent if there were none. */
  soakedMegabytes?: number;
}

/** The requested operations and servers of an engine. */
export interface EngineResults {
  operations: Record<OperationName, Record<ServerName, Figures>>;
  servers: Record<ServerName, ProcessFigures>;
}

/** The amount of load. */
export interface Setting {
  customers: number;
  connections: number;
  rounds: number;
  requestsPerRound: number;
  soakRequests: number;
}

export interface Results {
  setting: Setting & { date: string; node: string; processor: string };
  engines: Partial<Record<Engine, EngineResults>>;
  installed: { packages: number; megabytes: number };
}

/** Computes the figures of one operation on one server, from all its batches and those of the first server. */
export function computeFigures(samples: Sample[], ofFirst: Sample[]): Figures {
  const middle = (name: keyof Sample) => median(samples.map((sample) => sample[name]));
  const sum = (name: keyof Sample) => samples.reduce((total, sample) => total + sample[name], 0);
  const cpuMicroseconds = middle("cpuMicroseconds");
  const userShare = sum("userTicks") / (sum("userTicks") + sum("systemTicks"));
  return {
    requestsPerSecond: middle("requestsPerSecond"),
    cpuMicroseconds,
    databaseCpuMicroseconds: middle("databaseCpuMicroseconds"),
    userMicroseconds: cpuMicroseconds * userShare,
    systemMicroseconds: cpuMicroseconds * (1 - userShare),
    p50Milliseconds: middle("p50Milliseconds"),
    p99Milliseconds: middle("p99Milliseconds"),
    megabytes: middle("megabytes"),
    firstToThis: median(
      samples.map(
        ({ cpuMicroseconds }, index) => (ofFirst[index] as Sample).cpuMicroseconds / cpuMicroseconds,
      ),
    ),
  };
}

/** Returns the median. */
export function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length / 2;
  return ((sorted[Math.floor(half)] as number) + (sorted[Math.ceil(half) - 1] as number)) / 2;
}

/** Rounds the results to four digits, the precision of the measurement. */
export function toJson(results: Results): string {
  const round = (value: number) => (value >= 1000 ? Math.round(value) : Number(value.toPrecision(4)));
  return `${JSON.stringify(results, (_, value) => (typeof value === "number" ? round(value) : value), 2)}\n`;
}

/** Prints all figures, and how the CPU time of the first server compares with each other one. */
export function printResults({ setting, engines, installed }: Results): void {
  console.log(`\n${Object.entries(setting).flat().join(" ")}`);
  for (const [engine, results] of Object.entries(engines))
    printEngine(engine as Engine, results, setting.soakRequests);
  console.log(
    "\nCPU us: of the server process, for one request; database: of PostgreSQL's processes. " +
      "ours / it: the median of the ratios of the CPU times of neighbouring batches.\n" +
      `Installed without development dependencies: ${installed.packages} packages, ${installed.megabytes.toFixed(1)} MB.`,
  );
}

function printEngine(engine: Engine, { operations, servers }: EngineResults, soakRequests: number): void {
  const names = Object.keys(servers) as ServerName[];
  const first = names[0] as ServerName;
  const rows = Object.entries(operations).flatMap(([operation, figures]) =>
    names.map((name) => {
      const of = figures[name];
      return [
        operation,
        titles[name],
        of.requestsPerSecond.toFixed(0),
        of.cpuMicroseconds.toFixed(1),
        of.userMicroseconds.toFixed(1),
        of.systemMicroseconds.toFixed(1),
        ...(engine === "postgres" ? [of.databaseCpuMicroseconds.toFixed(1)] : []),
        of.p50Milliseconds.toFixed(2),
        of.p99Milliseconds.toFixed(2),
        of.megabytes.toFixed(0),
        name === first ? "" : of.firstToThis.toFixed(2),
      ];
    }),
  );
  const columns = ["req/s", "CPU us", "user", "system", ...(engine === "postgres" ? ["database"] : [])];
  console.log("");
  printTable([engine, "server", ...columns, "p50 ms", "p99 ms", "MB", `${first} / it`], rows);
  console.log("");
  printTable(
    [engine, "server", "ready ms", "CPU ms", "idle MB", `MB after ${soakRequests}`],
    names.map((name) => {
      const of = servers[name];
      return [
        "process",
        titles[name],
        of.startMilliseconds.toFixed(0),
        of.startCpuMilliseconds.toFixed(0),
        of.idleMegabytes.toFixed(0),
        of.soakedMegabytes?.toFixed(0) ?? "-",
      ];
    }),
  );
}

/** Formats a table: text left-aligned, numbers right-aligned, a line between groups of the first column. */
function printTable(head: string[], rows: string[][]): void {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: string[]) =>
    cells
      .map((cell, column) =>
        column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join("  ");
  console.log(line(head));
  rows.forEach((row, index) => {
    const isNew = row[0] !== rows[index - 1]?.[0];
    if (isNew) console.log(widths.map((width) => "-".repeat(width)).join("  "));
    console.log(line(isNew ? row : ["", ...row.slice(1)]));
  });
}
