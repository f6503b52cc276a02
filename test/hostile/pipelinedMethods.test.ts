/** Every method and incomplete requests, alone and between others: no crash, and others are served. */
import http from "node:http";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { createTemporaryDatabase } from "../support/databases.ts";
import { addFigure } from "../support/figures.ts";
import { largePath } from "../support/largePage.ts";
import { spawnServer } from "../support/processes.ts";

const customers = "/api/v1/customers";

const big = `GET ${largePath} HTTP/1.1\r\nHost: x\r\n\r\n`;
const get = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
const units: Record<string, string> = {
  ...Object.fromEntries(
    http.METHODS.map((method) => [method, `${method} ${customers} HTTP/1.1\r\nHost: x\r\n\r\n`]),
  ),
  "CONNECT to a host": "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n",
  "OPTIONS *": "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
  Upgrade: `GET ${customers} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
  "Upgrade to h2c":
    "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: A\r\n\r\n",
  "the preface of HTTP/2": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
  "half a request line": "GET /heal",
  "half the headers": "GET / HTTP/1.1\r\nHost: x\r\nX-",
  "half a body": `POST ${customers} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{`,
  "half a chunk": `POST ${customers} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{`,
  "Expect: 100-continue": `POST ${customers} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n`,
  "a TLS hello": "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
  "zero bytes": "\0\0\0\0",
};
const forms: Record<string, (unit: string) => string> = {
  alone: (unit) => unit,
  twice: (unit) => unit + unit,
  "after a request": (unit) => get + unit,
  "before a request": (unit) => unit + get,
  "between two": (unit) => get + unit + get,
  "during a response": (unit) => big + unit + get,
};

/** What came within the time of a short wait, or before the server closed the connection. */
async function receiveResponse(port: number, bytes: string): Promise<string> {
  let received = "";
  const socket = connect(port, "127.0.0.1", () => socket.write(bytes, "latin1"));
  socket.on("data", (chunk) =>
    received.length < 10_000 ? (received += chunk.toString("latin1")) : undefined,
  );
  socket.on("error", () => {});
  await Promise.race([new Promise((resolve) => socket.once("close", resolve)), sleep(1_000)]);
  socket.destroy();
  return received;
}

it.each(Object.keys(forms))("pipelining: each kind of request %s → others are served", async (form) => {
  const server = await spawnServer({ DATABASE_URL: await createTemporaryDatabase() });
  const all = Object.entries(units);
  const wrong: string[] = [];
  for (let start = 0; start < all.length; start += 24) {
    const some = all.slice(start, start + 24).map(async ([name, unit]) => {
      const received = await receiveResponse(server.port, forms[form]?.(unit) as string);
      const isFirst = form.startsWith("after") || form.startsWith("between") || form.startsWith("during");
      if (isFirst && !received.startsWith("HTTP/1.1 200 ")) wrong.push(`${name}: ${received.slice(0, 100)}`);
    });
    await Promise.all(some);
  }
  expect(wrong).toEqual([]);
  expect(server.process.exitCode).toBeNull();
  expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
  addFigure("Pipelining", `connections, each request ${form}`, all.length);
});
