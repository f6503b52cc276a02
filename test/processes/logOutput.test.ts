/** A standard output that accepts nothing: log lines are lost, but the server works. */
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import fs, { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it, onTestFinished } from "vitest";
import { launchServer } from "../support/processes.ts";
import { temporaryFolder } from "../support/temporaryFolder.ts";

/** Finds free ports: the log, which would name the server's own choice, is not read. */
async function findFreePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  await Promise.all(servers.map((server) => once(server, "listening")));
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/** Starts a server whose standard output is this file, and waits until it responds. */
async function startSilent(stdout: number) {
  const [port, metricsPort] = await findFreePorts(2);
  const { process, exited } = launchServer(
    { DATABASE_URL: "sqlite::memory:", PORT: String(port), METRICS_PORT: String(metricsPort) },
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

/** A named pipe whose reader reads only on command. */
function openPipe() {
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

const recovery = /\{"level":"warn".*"droppedLines":(\d+),"msg":"log lines were dropped[^\n]*\n/;

it("log: pipe not read → responses unaffected, dropped lines counted", async () => {
  const pipe = openPipe();
  const server = await startSilent(pipe.writer);
  expect(await server.logMuch()).toBeLessThan(1_000);
  const dropped = await server.droppedLines();
  expect(dropped).toBeGreaterThan(50);

  const text = await pipe.readUntil(recovery);
  expect(Number(recovery.exec(text)?.[1])).toBe(dropped);
  for (const line of text.trimEnd().split("\n")) JSON.parse(line);
  await server.logMuch(10);
  await pipe.readUntil(/(?:"msg":"request"[\s\S]*){10}/);
  expect(await server.droppedLines()).toBe(dropped);

  await server.logMuch();
  const { code, milliseconds } = await server.stop();
  expect(code).toBe(0);
  expect(milliseconds).toBeLessThan(5_000);
});

it("log: reader of the pipe exits → responses unaffected, stops on SIGTERM", async () => {
  const pipe = openPipe();
  const server = await startSilent(pipe.writer);
  pipe.close();
  expect(await server.logMuch()).toBeLessThan(1_000);
  expect(await server.droppedLines()).toBeGreaterThan(50);
  expect((await server.stop()).code).toBe(0);
});

it("log: device full → responses unaffected, stops on SIGTERM", async () => {
  const server = await startSilent(fs.openSync("/dev/full", "w"));
  expect(await server.logMuch()).toBeLessThan(1_000);
  expect(await server.droppedLines()).toBeGreaterThan(50);
  expect((await server.stop()).code).toBe(0);
});

it("log: file cannot grow for a while → whole lines, dropped lines counted", async () => {
  const { path, remove } = temporaryFolder();
  onTestFinished(remove);
  const file = join(path, "log");
  const server = await startSilent(fs.openSync(file, "a"));
  // In the middle of a line, like a full disk.
  const setLargestSize = (size: string) =>
    execFileSync("prlimit", ["--pid", String(server.process.pid), `--fsize=${size}:unlimited`]);
  setLargestSize("20001");
  expect(await server.logMuch()).toBeLessThan(1_000);
  const dropped = await server.droppedLines();
  expect(dropped).toBeGreaterThan(50);
  expect(fs.statSync(file).size).toBe(20_001);
  setLargestSize("unlimited");
  while (!recovery.test(readFileSync(file, "latin1"))) await sleep(50);
  const lines = readFileSync(file, "latin1").trimEnd().split("\n");
  for (const line of lines) JSON.parse(line);
  expect(Number(recovery.exec(`${lines.join("\n")}\n`)?.[1])).toBe(dropped);
  expect((await server.stop()).code).toBe(0);
});
