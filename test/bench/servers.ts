/** The compared servers: each is a process with its own copy of the data. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, openSync, readdirSync, readFileSync } from "node:fs";
import http from "node:http";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Engine } from "./engines.ts";

const references = join(import.meta.dirname, "references");

/** The file that starts each server. */
export const programs = {
  ours: join(import.meta.dirname, "../../dist/server/main.js"),
  plain: join(references, "plain.js"),
  fastify: join(references, "fastify.js"),
  glue: join(references, "glue.js"),
  documented: join(references, "documented.js"),
  unlimited: join(import.meta.dirname, "../../dist/server/main.js"),
};
export type ServerName = keyof typeof programs;

/** The rate limit of each key, too high for a request to be rejected. */
export const requestsPerMinute = "1000000";

/** The servers that run on each engine. */
export const serversByEngine: Record<Engine, ServerName[]> = {
  sqlite: ["ours", "plain", "fastify", "glue", "documented"],
  postgres: ["ours", "fastify", "unlimited"],
};

/** A description of each server. */
export const titles: Record<ServerName, string> = {
  ours: "this server",
  plain: "plain node:http, prepared statements",
  fastify: "Fastify, prepared statements",
  glue: "fastify-openapi-glue, Knex",
  documented: "this stack as documented",
  unlimited: "this server without rate limits",
};

export interface BenchServer {
  name: ServerName;
  port: number;
  pid: number;
  /** From the start of the process to the first 200 of `/readyz`. */
  startMilliseconds: number;
  stop(): Promise<void>;
}

/** Installs the packages of the references once, from their own lock file. */
export function installReferences(): void {
  if (existsSync(join(references, "node_modules"))) return;
  console.error("Installing the references ...");
  execFileSync("npm", ["ci", "--no-audit", "--no-fund"], { cwd: references, stdio: "inherit" });
}

/**
 * Starts a server on a database, with its defaults: log, audit trail, drift check and rate limits, which count every
 * request and are set so high that none is rejected; `unlimited` has none.
 * @param folder for the server's log
 * @param program the file that starts the server, if it belongs to another commit
 */
export async function startServer(
  name: ServerName,
  databaseUrl: string,
  folder: string,
  program = programs[name],
): Promise<BenchServer> {
  const port = await freePort();
  const log = openSync(join(folder, `${name}.log`), "a");
  const startedAt = performance.now();
  const child = spawn(process.execPath, [program], {
    env: {
      PATH: process.env.PATH,
      NODE_ENV: "production",
      HOST: "127.0.0.1",
      PORT: String(port),
      DATABASE_URL: databaseUrl,
      RATE_LIMIT_PER_MINUTE: name === "unlimited" ? "0" : requestsPerMinute,
    },
    stdio: ["ignore", log, "inherit"],
  });
  while (!(await isReady(port))) {
    if (child.exitCode !== null) throw new Error(`${name} exited with ${child.exitCode}`);
    await sleep(4);
  }
  const startMilliseconds = performance.now() - startedAt;
  return { name, port, pid: child.pid as number, startMilliseconds, stop: () => stop(child) };
}

async function stop(child: ChildProcess): Promise<void> {
  const exited = once(child, "exit");
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), 5_000);
  await exited;
  clearTimeout(timer);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

function isReady(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const request = http.get({ host: "127.0.0.1", port, path: "/readyz", agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    request.on("error", () => resolve(false));
  });
}

/** CPU time of a process so far, by Linux. */
export interface CpuTime {
  /** Of all its threads, in microseconds, by the scheduler. */
  total: number;
  /** In clock ticks of 10 ms: too coarse for one batch, but good enough for proportions over many. */
  userTicks: number;
  systemTicks: number;
}

/** Returns the CPU time of several processes in microseconds; one that has exited counts as 0. */
export function sumCpuTime(pids: number[]): number {
  return pids.reduce((sum, pid) => sum + (existsSync(`/proc/${pid}`) ? readCpuTime(pid).total : 0), 0);
}

export function readCpuTime(pid: number): CpuTime {
  const threads = readdirSync(`/proc/${pid}/task`);
  const nanoseconds = threads.map((thread) =>
    Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ")[0]),
  );
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return {
    total: nanoseconds.reduce((sum, each) => sum + each, 0) / 1000,
    userTicks: Number(fields[11]),
    systemTicks: Number(fields[12]),
  };
}

/** Returns the resident memory of a process in megabytes. */
export function readMemory(pid: number): number {
  const kilobytes = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Number(kilobytes) / 1024;
}

/** Returns the size of an installation of this server without development dependencies, in megabytes. */
export function measureInstalledSize(): { packages: number; megabytes: number } {
  const root = join(import.meta.dirname, "../..");
  const list = execFileSync("npm", ["ls", "--all", "--omit=dev", "--parseable"], {
    cwd: root,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  const packages = list
    .trim()
    .split("\n")
    .filter((path) => path !== root && existsSync(path));
  const total = execFileSync("du", ["-skc", ...packages], { encoding: "utf8" })
    .trim()
    .split("\n")
    .at(-1);
  return { packages: packages.length, megabytes: Number(total?.split("\t")[0]) / 1024 };
}
