/** Bodies of one-byte chunks, of each of which the parser makes a piece: others are served. */
import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { addFigure } from "../support/figures.ts";
import { count } from "./counts.ts";
import { flood, startAttacked } from "./floods.ts";
import { readPeakMemory } from "./memory.ts";
import { measureVictim } from "./victim.ts";

const customers = "/api/v1/customers";

/** A request whose body has this many chunks of a byte, and their number of bytes. */
function buildRequest(line: string, key: string, chunks: number): string {
  const head = `${line} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${key}\r\nContent-Type: application/json\r\n`;
  return `${head}Transfer-Encoding: chunked\r\n\r\n${"1\r\n \r\n".repeat(chunks)}2\r\n{}\r\n0\r\n\r\n`;
}

it.each([
  ["read", "POST", true],
  ["not read", "GET", true],
  ["without a key", "POST", false],
] as const)(
  "tiny chunks: bodies %s → closed, bounded memory, others served",
  async (title, method, hasKey) => {
    const { server, key, victim } = await startAttacked();
    const bytes = Buffer.from(buildRequest(`${method} ${customers}`, hasKey ? key : "none", 65_000));
    const name = `Bodies of 65,000 chunks, ${title}`;
    await measureVictim(name, victim, async () => {
      for (let sent = 0; sent < count("CHUNKED_BODIES"); sent += 10) {
        const sockets = Array.from({ length: 10 }, () => flood(server.port, bytes));
        await Promise.all(sockets.map((socket) => new Promise((resolve) => socket.once("close", resolve))));
        await sleep(100);
      }
    });
    expect(server.process.exitCode).toBeNull();
    addFigure(name, "resident memory", `${readPeakMemory(server).toFixed(0)} MB`, "300 MB");
    expect(readPeakMemory(server)).toBeLessThan(300);
  },
);

it("tiny chunks: a body of 2,000 chunks → read", async () => {
  const { server, key } = await startAttacked();
  const socket = connect(server.port, "127.0.0.1", () =>
    socket.write(buildRequest(`POST ${customers}`, key, 1_990)),
  );
  const [received] = await once(socket, "data");
  socket.destroy();
  expect(String(received)).toContain('{"error":"Email is required.","field":"email"}');
});
