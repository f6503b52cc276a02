/** Connections without a key that send without end: others are served. */
import { type ChildProcess, spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it, onTestFinished } from "vitest";
import { count } from "./counts.ts";
import { startAttacked } from "./floods.ts";
import { readPeakMemory } from "./memory.ts";
import { measureVictim } from "./victim.ts";

/** Sends a head and then line breaks on 100 connections, each opened again when it is closed, in a process of its own. */
function startSending(port: number, head: string): ChildProcess {
  const program = `
    const { connect } = require("node:net");
    const lines = Buffer.alloc(65_536, "\\r\\n");
    function open() {
      const socket = connect(${port}, "127.0.0.1", () => {
        socket.write(${JSON.stringify(head)});
        send();
      });
      const send = () => { while (socket.write(lines)); };
      socket.on("drain", send).on("error", () => {}).resume();
      socket.on("close", () => setTimeout(open, 10));
    }
    for (let index = 0; index < 100; index++) setTimeout(open, 5 * index);`;
  const child = spawn(process.execPath, ["--eval", program], { stdio: "inherit" });
  onTestFinished(() => void child.kill("SIGKILL"));
  return child;
}

it.each([
  ["bodies of 1 GB", "POST /unknown HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n"],
  ["line breaks", ""],
])("endless input: %s on 100 connections → others are served", async (title, head) => {
  const { server, victim } = await startAttacked();
  await measureVictim(`100 connections that send ${title}`, victim, async () => {
    const sender = startSending(server.port, head);
    await sleep(1_000 + count("PIPELINING_SECONDS") * 1_000);
    expect(sender.exitCode).toBeNull();
    sender.kill("SIGKILL");
  });
  expect(server.process.exitCode).toBeNull();
  expect(readPeakMemory(server)).toBeLessThan(300);
});
