/** Clients that do not read what they requested: their connections are reset, so that the kernel frees its buffers. */
import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it, onTestFinished } from "vitest";
import { createTemporaryDatabase } from "../support/databases.ts";
import { addFigure } from "../support/figures.ts";
import { largePath } from "../support/largePage.ts";
import { spawnServer } from "../support/processes.ts";
import { count } from "./counts.ts";

const keepAliveTimeoutInSeconds = 12;
const docs = `GET ${largePath} HTTP/1.1\r\nHost: x\r\n\r\n`;

const startServer = async (KEEP_ALIVE_TIMEOUT = String(keepAliveTimeoutInSeconds)) =>
  spawnServer({
    DATABASE_URL: await createTemporaryDatabase(),
    KEEP_ALIVE_TIMEOUT,
  });

/** Opens a connection that sends this and reads nothing by itself. */
function openUnread(port: number, bytes: string): Socket {
  const socket = connect(port, "127.0.0.1", () => socket.write(bytes)).pause();
  // It is reset, which is the point.
  socket.on("error", () => {});
  onTestFinished(() => void socket.destroy());
  return socket;
}

/** The connections of a port, from the server's side: how many, and how many bytes the kernel has yet to send. */
function readKernel(port: number): { connections: number; unsentBytes: number } {
  const own = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const listening = "0A";
  const found = readFileSync("/proc/net/tcp", "latin1")
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local, , state]) => local?.endsWith(own) && state !== listening);
  const unsent = found.map(([, , , , queues = ""]) => Number.parseInt(queues, 16));
  return { connections: found.length, unsentBytes: unsent.reduce((sum, bytes) => sum + bytes, 0) };
}

/** Opens connections that request this and read nothing, and waits until all are reset. */
async function expectResets(name: string, bytes: string, promisedSeconds: number): Promise<void> {
  const server = await startServer();
  const sockets = Array.from({ length: count("SLOW_READERS") }, () => openUnread(server.port, bytes));
  const startedAt = performance.now();
  let mostUnsentBytes = 0;
  for (;;) {
    await sleep(500);
    const { connections, unsentBytes } = readKernel(server.port);
    mostUnsentBytes = Math.max(mostUnsentBytes, unsentBytes);
    if (connections === 0) break;
    expect(performance.now() - startedAt).toBeLessThan((promisedSeconds + 10) * 1_000);
  }
  const seconds = (performance.now() - startedAt) / 1_000;
  const title = `${sockets.length} clients that do not read ${name}`;
  addFigure(title, "all reset after", `${seconds.toFixed(1)} s`, `${promisedSeconds + 10} s`);
  addFigure(
    title,
    "most bytes of one in the kernel",
    `${(mostUnsentBytes / sockets.length / 1e6).toFixed(1)} MB`,
  );
  expect(server.process.exitCode).toBeNull();
  expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
}

/** Reads several large responses at 300 KB a second, which takes longer than any of the timeouts. */
async function expectSlowReading(): Promise<void> {
  const server = await startServer("65");
  const { length } = Buffer.from(await (await fetch(server.url + largePath)).arrayBuffer());
  const socket = openUnread(server.port, docs.repeat(3));
  let received = 0;
  const startedAt = performance.now();
  while (received < 3 * length) {
    await sleep(500);
    expect(socket.destroyed).toBe(false);
    received += socket.read(150_000)?.length ?? socket.read()?.length ?? 0;
  }
  expect(performance.now() - startedAt).toBeGreaterThan(21_000);
}

it("slow readers: nothing is read → reset; 300 KB a second → all is read", async () => {
  const lastDocs = docs.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n");
  // Each has its own server and mostly waits.
  await Promise.all([
    expectResets("several large responses", docs.repeat(8), 20),
    expectResets("a large response", docs, keepAliveTimeoutInSeconds),
    expectResets("a large last response", lastDocs, keepAliveTimeoutInSeconds),
    expectSlowReading(),
  ]);
});
