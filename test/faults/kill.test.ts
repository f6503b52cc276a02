/** kill -9 of the server, repeatedly, while 8 clients write. */
import { setTimeout as sleep } from "node:timers/promises";
import SqliteConnection from "better-sqlite3";
import { expect, it } from "vitest";
import { createTemporaryDatabase } from "../support/databases.ts";
import { addFigure, formatTimes } from "../support/figures.ts";
import { listAllCustomers } from "../support/listAllCustomers.ts";
import { createKeyByCommand, runCommand, type SpawnedServer, spawnServer } from "../support/processes.ts";
import { count, findLimit } from "./counts.ts";
import { Writer } from "./writers.ts";

const clients = 8;
const readyMilliseconds = 1_000;

/** Returns SQLite's own integrity check of the whole file: `ok`, or what is damaged. */
function checkIntegrity(databaseUrl: string): unknown {
  const connection = new SqliteConnection(databaseUrl.slice("sqlite:".length), { readonly: true });
  try {
    return connection.pragma("integrity_check", { simple: true });
  } finally {
    connection.close();
  }
}

/** Starts a server. Returns it with the milliseconds from the start of its process until it was ready. */
async function startReadyServer(databaseUrl: string): Promise<[SpawnedServer, number]> {
  const startedAt = performance.now();
  const server = await spawnServer({ DATABASE_URL: databaseUrl });
  expect((await server.fetch("/readyz")).status).toBe(200);
  return [server, performance.now() - startedAt];
}

const readyTimes: number[] = [];

it("kill -9: while 8 clients write → no write lost or partial, retries replay", async () => {
  const databaseUrl = await createTemporaryDatabase();
  const key = await createKeyByCommand(databaseUrl);
  const writers = Array.from({ length: clients }, (_, number) => new Writer(`writer-${number}`, key));
  const kills = count("KILLS");
  const [lost, half]: [string[], string[]] = [[], []];
  let [server] = await startReadyServer(databaseUrl);
  for (let cycle = 0; cycle < kills; cycle += 1) {
    let toGo = count("WRITES_PER_KILL");
    let running: Promise<unknown> = Promise.resolve();
    await new Promise<void>((resolve, reject) => {
      running = Promise.all(writers.map((writer) => writer.run(server, () => --toGo === 0 && resolve())));
      running.catch(reject);
    });
    await sleep(Math.random() * 5);
    server.process.kill("SIGKILL");
    expect(await server.exited).toBe("SIGKILL");
    await running;

    if (databaseUrl.startsWith("sqlite:")) expect(checkIntegrity(databaseUrl)).toBe("ok");
    const [next, milliseconds] = await startReadyServer(databaseUrl);
    server = next;
    readyTimes.push(milliseconds);
    for (const found of await Promise.all(writers.map((writer) => writer.check(server)))) {
      lost.push(...found.lost);
      half.push(...found.half);
    }
    expect({ lost, half }).toEqual({ lost: [], half: [] });
  }
  await Promise.all(
    writers.map((writer) =>
      writer.run(
        server,
        () => {},
        () => true,
      ),
    ),
  );

  const stored = await listAllCustomers(server.client(key));
  const expected = writers.flatMap(({ acknowledged }) => [...acknowledged]);
  // As many as there were creates: a retried create has created one customer, not two.
  expect(stored).toHaveLength(expected.length);
  expect(Object.fromEntries(stored.map((customer) => [customer.id, customer]))).toEqual(
    Object.fromEntries(expected),
  );
  // One audit entry for each write that took effect, no matter how often it was sent.
  const audit = await runCommand(["audit", "--company", "acme", "--json"], { DATABASE_URL: databaseUrl });
  const entries = audit.stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line))
    .filter(({ customerId }) => customerId !== undefined);
  const latest = Object.fromEntries(entries.map(({ customerId, time }) => [customerId, time]));
  expect(latest).toEqual(Object.fromEntries(stored.map(({ id, updatedAt }) => [id, updatedAt])));
  const total = (of: (writer: Writer) => number) => writers.reduce((sum, writer) => sum + of(writer), 0);
  const writes = total((writer) => writer.acknowledgedWrites);
  expect(entries).toHaveLength(writes);
  const test = "kill -9 of the server";
  addFigure(test, "kills under 8 clients", kills);
  addFigure(test, "acknowledged writes", writes, `at least ${kills * count("WRITES_PER_KILL")}`);
  addFigure(test, "of them lost, half applied", `${lost.length}, ${half.length}`, "0, 0");
  addFigure(
    test,
    "retries; creates that had taken effect",
    `${total((w) => w.retries)}; ${total((w) => w.replays)}`,
  );
  addFigure(test, "duplicates", stored.length - expected.length, "0");
  expect(writes).toBeGreaterThanOrEqual(kills * count("WRITES_PER_KILL"));
  expect(total((writer) => writer.unavailableResponses)).toBe(0);
});

it("kill -9: restart → ready within a second, each time", () => {
  addFigure("kill -9 of the server", "ready again after", formatTimes(readyTimes), "1000 ms");
  expect(readyTimes).toHaveLength(count("KILLS"));
  expect(Math.max(...readyTimes)).toBeLessThan(findLimit(readyMilliseconds));
});
