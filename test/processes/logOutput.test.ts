/** A standard output that accepts nothing: log lines are lost, but the server works. */
import { execFileSync } from "node:child_process";
import fs, { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it, onTestFinished } from "vitest";
import { openPipe, startSilent } from "../support/silentServer.ts";
import { temporaryFolder } from "../support/temporaryFolder.ts";

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
