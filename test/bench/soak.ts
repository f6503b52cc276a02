/**
 * Applies half of the server's maximum load for a long time: `npm run soak -- --minutes 30`. The server's memory must
 * grow by less than 1 MB a minute, and its open files and its 99th percentile must not grow. It needs Linux, because it
 * reads /proc, and an idle machine.
 */
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { buildRequests, createData, type OperationName, shares } from "./data.ts";
import { type LoadRequest, load } from "./load.ts";
import { median } from "./results.ts";
import { type BenchServer, readMemory, startServer } from "./servers.ts";

const help = `Usage: npm run soak -- [options]

  --minutes <n>      how long, 2 to 240 (30)
  --customers <n>    customers of the company that sends requests (20000)
  --folder <path>    where the database goes (the system's temporary folder); no file system in
                     memory, or a durable write costs nothing

Exit code 0: nothing grew; 1: something grew, or a response was wrong.`;

const { values: options } = parseArgs({
  options: {
    minutes: { type: "string", default: "30" },
    customers: { type: "string", default: "20000" },
    folder: { type: "string", default: tmpdir() },
    help: { type: "boolean", default: false },
  },
});
if (options.help) {
  console.log(help);
  process.exit(0);
}
const minutes = Number(options.minutes);
if (!(minutes >= 2 && minutes <= 240)) throw new Error("--minutes must be from 2 to 240");

const connections = 16;
/** How long the server's maximum throughput is measured. */
const fullLoadSeconds = 15;
/** How many times a second a part of the load is sent, each as fast as possible, on its own connections. */
const ticksASecond = 4;
/** The fraction of the duration after which memory usage has stabilized. */
const warmUp = 0.2;
const bounds = { megabytesAMinute: 1, p99Ratio: 1.25 };

/** The result of one minute. */
interface Minute {
  requestsASecond: number;
  /** In milliseconds. */
  p50: number;
  p99: number;
  /** At the end of the minute, in megabytes. */
  memory: number;
  /** When no connection was open. */
  files: number;
}

const folder = mkdtempSync(join(options.folder, "soak-"));
let server: BenchServer | undefined;
try {
  const databaseUrl = `sqlite:${join(folder, "data.db")}`;
  const data = await createData(databaseUrl, Number(options.customers));
  server = await startServer("ours", databaseUrl, folder);
  process.exitCode = (await soak(server, mixRequests(buildRequests(data)))) ? 0 : 1;
} finally {
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
}

/** Returns a function that generates requests of all operations in turn, in proportion to their shares. */
function mixRequests(requests: Record<OperationName, () => LoadRequest>): () => LoadRequest {
  const turns = Object.entries(shares).flatMap(([name, share]) =>
    Array.from({ length: share * 4 }, (_, index) => ({ name: name as OperationName, at: index / share })),
  );
  turns.sort((one, other) => one.at - other.at);
  let turn = 0;
  return () => requests[(turns[turn++ % turns.length] as (typeof turns)[0]).name]();
}

/** Loads the server, prints the result of each minute and what grew; returns whether nothing did. */
async function soak({ port, pid }: BenchServer, next: () => LoadRequest): Promise<boolean> {
  const countFiles = () => readdirSync(`/proc/${pid}/fd`).length;
  await load(port, connections, 5_000, next);
  const fullLoad = await measureFullLoad(port, next);
  const rate = fullLoad / 2;
  console.log(
    `Full load: ${fullLoad.toFixed(0)} requests a second. For ${minutes} minutes: ${rate.toFixed(0)}. ` +
      `Load of the machine before: ${loadavg()[0]?.toFixed(1)}.\n`,
  );
  console.log("minute  requests/s   p50 ms   p99 ms   memory MB   open files   load of the machine");

  const all: Minute[] = [];
  const memory: { minute: number; megabytes: number }[] = [];
  const startedAt = performance.now();
  const minuteNow = () => (performance.now() - startedAt) / 60_000;
  for (let minute = 1; minute <= minutes; minute++) {
    const latencies: Float64Array[] = [];
    const files: number[] = [];
    let count = 0;
    for (let tick = 0; tick < 60 * ticksASecond; tick++) {
      const batch = await load(port, connections, Math.round(rate / ticksASecond), next);
      count += batch.latencies.length;
      latencies.push(batch.latencies);
      const dueAt = startedAt + ((minute - 1) * 60 + (tick + 1) / ticksASecond) * 1_000;
      await sleep(Math.max(10, dueAt - performance.now()));
      files.push(countFiles());
      if (tick % ticksASecond === 0) memory.push({ minute: minuteNow(), megabytes: readMemory(pid) });
    }
    const sorted = Float64Array.from(latencies.flatMap((some) => [...some])).sort();
    const at = (share: number) => sorted[Math.floor(sorted.length * share)] as number;
    const last = { requestsASecond: count / 60, p50: at(0.5), p99: at(0.99), memory: readMemory(pid) };
    all.push({ ...last, files: Math.min(...files) });
    print(minute, all.at(-1) as Minute);
  }

  const warm = all.slice(Math.floor(minutes * warmUp));
  const [first, second] = [warm.slice(0, warm.length / 2), warm.slice(-warm.length / 2)];
  const halves = (key: "p99" | "files") =>
    [first, second].map((half) => median(half.map((each) => each[key]))) as [number, number];
  const slope = computeSlope(memory.filter(({ minute }) => minute >= minutes * warmUp));
  const [p99, laterP99] = halves("p99");
  const [files, laterFiles] = halves("files");
  const verdicts = [
    {
      what: "memory, least squares, MB a minute",
      came: slope.toFixed(3),
      bound: `< ${bounds.megabytesAMinute}`,
      isGood: slope < bounds.megabytesAMinute,
    },
    {
      what: "open files, first half and second",
      came: `${files} and ${laterFiles}`,
      bound: "no more",
      isGood: laterFiles <= files,
    },
    {
      what: "99th percentile, ms, first half and second",
      came: `${p99.toFixed(2)} and ${laterP99.toFixed(2)}`,
      bound: `at most ${bounds.p99Ratio} times`,
      isGood: laterP99 <= p99 * bounds.p99Ratio,
    },
  ];
  console.log(`\nWithout the first ${(minutes * warmUp).toFixed(1)} minutes:`);
  for (const { what, came, bound, isGood } of verdicts)
    console.log(`${isGood ? "good" : "BAD "}  ${what}: ${came} (${bound})`);
  return verdicts.every(({ isGood }) => isGood);
}

/**
 * Measures requests per second, while each connection sends the next one as soon as it has received the previous
 * response.
 */
async function measureFullLoad(port: number, next: () => LoadRequest): Promise<number> {
  let [count, seconds] = [0, 0];
  while (seconds < fullLoadSeconds) {
    seconds += (await load(port, connections, 1_000, next)).seconds;
    count += 1_000;
  }
  return count / seconds;
}

/** Returns the slope of the least-squares line through the points. */
function computeSlope(points: { minute: number; megabytes: number }[]): number {
  const mean = (values: number[]) => values.reduce((sum, each) => sum + each, 0) / values.length;
  const [x, y] = [mean(points.map(({ minute }) => minute)), mean(points.map(({ megabytes }) => megabytes))];
  const products = points.map(({ minute, megabytes }) => (minute - x) * (megabytes - y));
  const squares = points.map(({ minute }) => (minute - x) ** 2);
  return mean(products) / mean(squares);
}

function print(minute: number, { requestsASecond, p50, p99, memory, files }: Minute): void {
  const cells = [
    String(minute).padStart(6),
    requestsASecond.toFixed(0).padStart(12),
    p50.toFixed(2).padStart(9),
    p99.toFixed(2).padStart(9),
    memory.toFixed(1).padStart(12),
    String(files).padStart(13),
    (loadavg()[0] ?? 0).toFixed(1).padStart(22),
  ];
  console.log(cells.join(""));
}
