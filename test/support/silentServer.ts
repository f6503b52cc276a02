/** Servers whose standard output may accept nothing. */
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, onTestFinished } from "vitest";
import { launchServer } from "./processes.ts";
import { temporaryFolder } from "./temporaryFolder.ts";

/** Finds free ports: the log, which would name the server's own choice, is not read. */
async function findFreePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  await Promise.all(servers.map((server) => once(server, "listening")));
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/** Starts a server whose standard output is this file, and waits until it responds. */
export async function startSilent(stdout: number, DATABASE_URL = "sqlite::memory:") {
  const [port, metricsPort] = await findFreePorts(2);
  const { process, exited } = launchServer(
    { DATABASE_URL, PORT: String(port), METRICS_PORT: String(metricsPort) },
    undefined,
    { stdio: ["ignore", stdout, "inherit"] },
  );
  const url = `http://127.0.0.1:${port}`;
  const isUp = () =>
    fetch(`http://127.0.0.1:${metricsPort}/metrics`).then(
      () => true,
      () => false,
    );
  while (!(await isUp())) await sleep(20);
  return {
    process,
    /** Sends requests with long log lines; returns the longest response time, in milliseconds. */
    async logMuch(requests = 300): Promise<number> {
      let longest = 0;
      for (let sent = 0; sent < requests; sent++) {
        const startedAt = performance.now();
        expect((await fetch(`${url}/${"x".repeat(15_000)}`)).status).toBe(404);
        longest = Math.max(longest, performance.now() - startedAt);
      }
      return longest;
    },
    async droppedLines(): Promise<number> {
      const metrics = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
      return Number(/^log_lines_dropped_total (\d+)$/m.exec(metrics)?.[1]);
    },
    /** Sends SIGTERM; returns the exit code or signal, and the milliseconds until then. */
    async stop() {
      const startedAt = performance.now();
      process.kill("SIGTERM");
      return { code: await exited, milliseconds: performance.now() - startedAt };
    },
  };
}

/** Opens a named pipe whose reader reads only on command. */
export function openPipe() {
  const { path, remove } = temporaryFolder();
  const name = join(path, "log");
  execFileSync("mkfifo", [name]);
  const reader = fs.openSync(name, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
  const writer = fs.openSync(name, "w");
  onTestFinished(remove);
  return {
    writer,
    close() {
      fs.closeSync(reader);
    },
    /** Reads until this text has been read. */
    async readUntil(expected: RegExp): Promise<string> {
      const buffer = Buffer.alloc(65_536);
      let text = "";
      while (!expected.test(text)) {
        try {
          text += buffer.toString("latin1", 0, fs.readSync(reader, buffer));
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
          await sleep(10);
        }
      }
      return text;
    },
  };
}
