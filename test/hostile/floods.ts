/** Floods of requests against a server of their own. */
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, onTestFinished } from "vitest";
import { createTemporaryDatabase } from "../support/databases.ts";
import { createKeyByCommand, runCommand, spawnServer } from "../support/processes.ts";

/** A server, a key whose company the attack uses, and the key of another company. */
export async function startAttacked(environment: Record<string, string> = {}, nodeOptions: string[] = []) {
  const DATABASE_URL = await createTemporaryDatabase();
  const key = await createKeyByCommand(DATABASE_URL);
  const { stdout } = await runCommand(
    ["keys", "create", "--company", "victim", "--scopes", "customers:read"],
    { DATABASE_URL },
  );
  const variables = { DATABASE_URL, RATE_LIMIT_PER_MINUTE: "600", ...environment };
  const server = await spawnServer(variables, undefined, { nodeOptions });
  return { server, key, victim: { port: server.port, key: stdout.trim() } };
}

/** Opens a connection that reads, or does not, and sends this. */
export function flood(port: number, bytes: string | Buffer, reads = true): Socket {
  const socket = connect(port, "127.0.0.1", () => socket.write(bytes));
  onTestFinished(() => void socket.destroy());
  // The server may close it at any time.
  socket.on("error", () => {});
  if (reads) socket.resume();
  return socket;
}

/** Sends each of these on a connection, and on a new one whenever the server closes it, for a number of milliseconds. */
export async function floodAgain(port: number, packets: Buffer[], milliseconds: number): Promise<void> {
  const sockets = new Set<Socket>();
  let isOver = false;
  const open = (packet: Buffer) => {
    if (isOver) return;
    const socket = flood(port, packet);
    sockets.add(socket);
    socket.on("close", () => {
      sockets.delete(socket);
      setTimeout(open, 1, packet);
    });
  };
  for (const packet of packets) open(packet);
  await sleep(milliseconds);
  isOver = true;
  for (const socket of sockets) socket.destroy();
}

/** Keeps as many requests in progress on each of some connections, for a number of milliseconds; all get a response. */
export async function pipeline(
  port: number,
  connections: number,
  packet: string,
  milliseconds: number,
): Promise<number> {
  const each = packet.split("HTTP/1.1").length - 1;
  let [isOver, responses] = [false, 0];
  const closed = Array.from({ length: connections }, async () => {
    const socket = flood(port, packet);
    let missing = each;
    socket.on("data", (chunk) => {
      const count = chunk.toString("latin1").split("HTTP/1.1 ").length - 1;
      responses += count;
      missing -= count;
      if (missing > 0) return;
      missing += each;
      if (isOver) socket.end();
      else socket.write(packet);
    });
    await new Promise((resolve) => socket.once("close", resolve));
    // The server has closed none of them.
    expect(isOver).toBe(true);
  });
  setTimeout(() => (isOver = true), milliseconds);
  await Promise.all(closed);
  return responses;
}

/** Waits this long for all connections to be closed, then closes the remaining ones. */
export async function drain(sockets: Socket[], milliseconds: number): Promise<void> {
  const closed = sockets.map((socket) => new Promise((resolve) => socket.once("close", resolve)));
  await Promise.race([Promise.all(closed), sleep(milliseconds)]);
  for (const socket of sockets) socket.destroy();
}
