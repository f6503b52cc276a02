/**
 * Measures how the time of a request depends on the size of a company: `npm run bench:scale`. Fills databases of
 * several sizes on both engines, starts a server process on each, and times every kind of read, one request at a time.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { basePath } from "../../server/contract.ts";
import { freePort } from "../support/postgres.ts";
import { type Engine, engines, parseEngines, startEngine } from "./engines.ts";
import { type LoadRequest, load } from "./load.ts";
import { person, terms } from "./people.ts";
import { drawChart } from "./scaleChart.ts";
import { fillDatabase, type ScaleData } from "./scaleData.ts";

/** In milliseconds, measured by the client. */
export interface Times {
  median: number;
  p99: number;
}

/** Times by engine, operation and number of customers. */
export interface ScaleResults {
  setting: Record<string, string | number>;
  fillSeconds: Record<string, Record<string, number>>;
  times: Record<string, Record<string, Record<string, Times>>>;
  /** The same total in ten companies, one of which has a large vocabulary: by engine and operation. */
  ofTen: Record<string, Record<string, Record<string, Times>>>;
}

const help = `Usage: npm run bench:scale -- [options]

  --sizes <n,...>      customers of the large company (10000,100000,1000000)
  --engines <...>      of ${engines.join(", ")}
  --samples <n>        timed requests of each kind (200)
  --of-ten <n>         customers of ten companies together, one of which fills the vocabulary (1000000; 0 for none)

A run of at least three sizes writes test/bench/scale.json and test/bench/scale.svg; what they say of an
engine that was not measured stays.`;

const { values: options } = parseArgs({
  options: {
    sizes: { type: "string", default: "10000,100000,1000000" },
    engines: { type: "string", default: engines.join() },
    samples: { type: "string", default: "200" },
    "of-ten": { type: "string", default: "1000000" },
    help: { type: "boolean", default: false },
  },
});
if (options.help) {
  console.log(help);
  process.exit(0);
}

/** The number of rounds in which the samples are taken, so that other load on the machine affects all alike. */
const rounds = 5;
const sizes = options.sizes.split(",").map(Number);
const samples = Math.ceil(Number(options.samples) / rounds) * rounds;

const results: ScaleResults = {
  setting: {
    date: new Date().toISOString().slice(0, 10),
    node: process.version,
    processor: `${cpus().length} x ${cpus()[0]?.model}`,
    samples,
  },
  fillSeconds: {},
  times: {},
  ofTen: {},
};
for (const name of parseEngines(options.engines)) await measureEngine(name);
if (sizes.length >= 3) {
  // Results of the other engine are kept.
  const file = join(import.meta.dirname, "scale.json");
  const { fillSeconds, times, ofTen } = JSON.parse(readFileSync(file, "utf8")) as ScaleResults;
  results.ofTen = { ...ofTen, ...results.ofTen };
  results.fillSeconds = { ...fillSeconds, ...results.fillSeconds };
  results.times = { ...times, ...results.times };
  writeFileSync(file, `${JSON.stringify(results, null, 2)}\n`);
  writeFileSync(join(import.meta.dirname, "scale.svg"), drawChart(results));
}

async function measureEngine(name: Engine): Promise<void> {
  const engine = await startEngine(name);
  try {
    const ofTen = Number(options["of-ten"]);
    for (const size of ofTen > 0 ? [...sizes, ofTen] : sizes) {
      const isOfTen =
        size === ofTen && (results.times[name]?.get?.[size] !== undefined || !sizes.includes(size));
      const database = await engine.createDatabase();
      const data = await fillDatabase(database.url, size, isOfTen);
      console.error(
        `${name}: ${size} customers ${isOfTen ? "of ten companies" : `and ${Math.floor(size / 10)} of others`} written in ${data.seconds.toFixed(0)} s` +
          `${name === "postgres" ? ", the search index built afterwards" : ""}`,
      );
      if (!isOfTen) (results.fillSeconds[name] ??= {})[size] = Math.round(data.seconds);
      const measured = isOfTen ? results.ofTen : results.times;
      const server = await startServer(database.url);
      for (const [operation, times] of await measure(server.port, data)) {
        ((measured[name] ??= {})[operation] ??= {})[size] = times;
      }
      await server.stop();
      await database.drop();
    }
  } finally {
    await engine.stop();
  }
  print(name);
}

async function measure(port: number, data: ScaleData): Promise<Map<string, Times>> {
  const requests = buildRequests(data);
  const all = new Map<string, number[]>(Object.keys(requests).map((operation) => [operation, []]));
  for (let round = 0; round <= rounds; round++) {
    for (const [operation, next] of Object.entries(requests)) {
      const { latencies } = await load(port, 1, samples / rounds, next);
      // The first round is a warm-up, and is not counted.
      if (round > 0) all.get(operation)?.push(...latencies);
    }
  }
  return new Map(
    [...all].map(([operation, latencies]) => {
      const sorted = latencies.toSorted((a, b) => a - b);
      const at = (share: number) => Number((sorted[Math.floor(sorted.length * share)] as number).toFixed(3));
      return [operation, { median: at(0.5), p99: at(0.99) }];
    }),
  );
}

function buildRequests({ key, ids }: ScaleData): Record<string, () => LoadRequest> {
  let count = 0;
  // A prime step visits customers in an order that makes caches useless.
  const some = () => (++count * 7919) % ids.length;
  const get = (target: string) => ({
    bytes: `GET ${basePath}/customers${target} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${key}\r\nAccept: application/json\r\n\r\n`,
    status: 200,
    // A search that would take longer than a second.
    orStatus: 503,
  });
  const list = (query: Record<string, string>) => get(`?${new URLSearchParams({ limit: "50", ...query })}`);
  const deep = () => ids[Math.floor(ids.length / 10) - (++count % 100)] as string;
  return {
    get: () => get(`/${ids[some()]}`),
    "first page": () => list({}),
    "page at 90 %": () => list({ cursor: deep() }),
    "status of most": () => list({ status: "ACTIVE" }),
    "status of one in 1,000": () => list({ status: "BLOCKED" }),
    "search: one customer's number": () => list({ search: terms.rare(some()) }),
    "search: one customer's email": () => list({ search: person(some()).email }),
    "search: a name": () => list({ search: terms.name }),
    "search: common": () => list({ search: terms.common }),
    "search: common, at 90 %": () => list({ search: terms.common, cursor: deep() }),
    "search: common among the oldest": () => list({ search: terms.old }),
    "search: one character": () => list({ search: terms.commonCharacter }),
    "search: one rare character": () => list({ search: terms.rareCharacter }),
    "search: no match": () => list({ search: terms.noMatch }),
    "email of one customer": () => list({ email: person(some()).email }),
    "search: two characters": () => list({ search: terms.twoCharacters }),
    "search: two characters, no match": () => list({ search: terms.twoCharactersNoMatch }),
    "search: symbols, no match": () => list({ search: terms.symbols }),
    "search: a word in every email, no match": () => list({ search: terms.wordOfAllNoMatch }),
    "search: short, in many words of another company": () => list({ search: terms.inVocabularyOfAnother }),
    "search: no match, common trigrams": () => list({ search: terms.commonTrigramsNoMatch }),
    "search: common, status of one in 1,000": () => list({ search: terms.common, status: "BLOCKED" }),
  };
}

async function startServer(databaseUrl: string): Promise<{ port: number; stop(): Promise<void> }> {
  const port = await freePort();
  const child: ChildProcess = spawn(
    process.execPath,
    [join(import.meta.dirname, "../../dist/server/main.js")],
    {
      env: {
        PATH: process.env.PATH,
        NODE_ENV: "production",
        PORT: String(port),
        DATABASE_URL: databaseUrl,
        // High, so that slow requests are measured instead of aborted, except searches.
        DATABASE_STATEMENT_TIMEOUT: "60000",
        LOG_LEVEL: "warn",
        RATE_LIMIT_PER_MINUTE: "0",
      },
      stdio: "inherit",
    },
  );
  const exited = once(child, "exit");
  while (!(await isReady(port))) {
    if (child.exitCode !== null) throw new Error(`The server exited with ${child.exitCode}`);
    await sleep(20);
  }
  return {
    port,
    async stop() {
      child.kill("SIGTERM");
      await exited;
    },
  };
}

async function isReady(port: number): Promise<boolean> {
  return fetch(`http://127.0.0.1:${port}/readyz`).then(
    ({ ok }) => ok,
    () => false,
  );
}

/** Formats a table of an engine as Markdown: median and 99th percentile for each size. */
function print(name: Engine): void {
  const heads = sizes.map((size) => size.toLocaleString("en"));
  if (results.ofTen[name]) heads.push("of ten companies");
  console.log(`\n${name}: milliseconds, median / 99th percentile of ${samples}\n`);
  console.log(`| | ${heads.join(" | ")} |`);
  console.log(`| --- | ${heads.map(() => "---: |").join(" ")}`);
  for (const [operation, bySize] of Object.entries(results.times[name] ?? {})) {
    const ofTen = Object.values(results.ofTen[name]?.[operation] ?? {});
    const cells = [...sizes.map((size) => bySize[size] as Times), ...ofTen].map(
      ({ median, p99 }) => `${median.toFixed(2)} / ${p99.toFixed(2)}`,
    );
    console.log(`| ${operation} | ${cells.join(" | ")} |`);
  }
}
