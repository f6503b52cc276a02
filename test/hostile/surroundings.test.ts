/**
 * What happens around the server, to its files, clock, log, disk and process, and what the pages tell readers to run.
 */
import { once } from "node:events";
import { readFileSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { connectDatabase } from "../../server/database/connect.ts";
import { createTemporaryDatabase } from "../support/databases.ts";
import { addFigure } from "../support/figures.ts";
import { listDownloadedPackages, pages, readPage } from "../support/pages.ts";
import { execute } from "../support/postgres.ts";
import { createKeyByCommand, type SpawnedServer, spawnServer } from "../support/processes.ts";
import { spawnServerWithClock } from "../support/settableClock.ts";
import { openPipe, startSilent } from "../support/silentServer.ts";
import { count } from "./counts.ts";

const customers = "/api/v1/customers";

/** Creates a customer. Returns the status of the response. */
async function create(
  server: SpawnedServer,
  key: string,
  customer: object,
  idempotencyKey = "",
): Promise<number> {
  const { status } = await server.fetch(customers, {
    method: "POST",
    headers: {
      Authorization: `Bearer ${key}`,
      "Content-Type": "application/json",
      ...(idempotencyKey && { "Idempotency-Key": idempotencyKey }),
    },
    body: JSON.stringify(customer),
  });
  return status;
}

/** Deletes a database while a server uses it: on PostgreSQL, an empty one takes its place. */
async function deleteDatabase(url: string): Promise<void> {
  if (url.startsWith("sqlite:")) return rmSync(url.slice("sqlite:".length));
  const server = new URL(url);
  const name = server.pathname.slice(1);
  server.pathname = "/postgres";
  await execute(server.href, `drop database ${name} with (force)`);
  await execute(server.href, `create database ${name}`);
}

it("database: deleted while eight clients create → no 201 afterwards, only 503", async () => {
  const DATABASE_URL = await createTemporaryDatabase();
  const key = await createKeyByCommand(DATABASE_URL);
  const server = await spawnServer({ DATABASE_URL });
  const sent: { after: number; status: number }[] = [];
  let deletedAt = Number.POSITIVE_INFINITY;
  let isOver = false;
  const clients = Array.from({ length: 8 }, async (_, client) => {
    for (let number = 0; !isOver; number++) {
      const sentAt = performance.now();
      const status = await create(server, key, { email: `${client}-${number}@x.example` });
      sent.push({ after: sentAt - deletedAt, status });
    }
  });
  await sleep(500);
  await deleteDatabase(DATABASE_URL);
  deletedAt = performance.now();
  while ((await server.fetch("/readyz")).status === 200) await sleep(5);
  const unreadyAfter = performance.now() - deletedAt;
  await sleep(1_500);
  isOver = true;
  await Promise.all(clients);

  const title = "Database deleted under the server";
  const before = sent.filter(({ after }) => after < 0);
  const afterwards = sent.filter(({ after }) => after >= 0);
  const acknowledged = afterwards.filter(({ status }) => status === 201);
  addFigure(
    title,
    "creates sent afterwards; 201s of these",
    `${afterwards.length}; ${acknowledged.length}`,
    "0",
  );
  addFigure(title, "/readyz is 503 after", `${unreadyAfter.toFixed(0)} ms`, "1000 ms");
  expect(before.filter(({ status }) => status === 201).length).toBeGreaterThan(0);
  expect(new Set(afterwards.map(({ status }) => status))).toEqual(new Set([503]));
  expect(unreadyAfter).toBeLessThan(1_000);
  expect(server.process.exitCode).toBeNull();
});

it("clock: an hour back at the rate limit → Retry-After of at most a minute", async () => {
  const DATABASE_URL = await createTemporaryDatabase();
  const key = await createKeyByCommand(DATABASE_URL);
  const { server, setClock } = await spawnServerWithClock({ DATABASE_URL, RATE_LIMIT_PER_MINUTE: "5" });
  /** Sends more requests than the limit. Returns the longest Retry-After, in seconds. */
  const exceed = async (authorization: string): Promise<number> => {
    const waits: number[] = [];
    // The limit of invalid keys is a tenth of that of requests, rounded up.
    for (let number = 0; number < 10; number++) {
      const { status, headers } = await server.fetch(customers, {
        headers: { Authorization: authorization },
      });
      expect([200, 401, 429]).toContain(status);
      if (status === 429) waits.push(Number(headers.get("Retry-After")));
    }
    expect(waits.length).toBeGreaterThan(0);
    return Math.max(...waits);
  };
  const longest: number[] = [];
  for (const offset of [0, -3_600_000, 3_600_000]) {
    await setClock(offset);
    longest.push(await exceed(`Bearer ${key}`), await exceed("Bearer wrong"));
  }
  addFigure("Clock an hour back and ahead", "longest Retry-After", `${Math.max(...longest)} s`, "60 s");
  expect(Math.max(...longest)).toBeLessThanOrEqual(60);
});

it("log: pipe not read → responses unaffected, stops on SIGTERM", async () => {
  const pipe = openPipe();
  const server = await startSilent(pipe.writer, await createTemporaryDatabase());
  const slowest = await server.logMuch(count("UNREAD_LOG_LINES"));
  const dropped = await server.droppedLines();
  const { code, milliseconds } = await server.stop();
  const title = "Log that nobody reads";
  addFigure(title, "lines; of these dropped", `${count("UNREAD_LOG_LINES")}; ${dropped}`);
  addFigure(title, "slowest response", `${slowest.toFixed(0)} ms`, "1000 ms");
  addFigure(title, "exit code 0 after", `${milliseconds.toFixed(0)} ms`, "5000 ms");
  expect(dropped).toBeGreaterThan(0);
  expect(slowest).toBeLessThan(1_000);
  expect(code).toBe(0);
  expect(milliseconds).toBeLessThan(5_000);
});

/** Returns the size of a database in bytes, without SQLite's write-ahead log. */
async function readSize(url: string): Promise<number> {
  const database = await connectDatabase({ url });
  const { knex, prepare } = database;
  const sql =
    database.dialect === "sqlite"
      ? "select page_count * page_size as size from pragma_page_count, pragma_page_size"
      : "select pg_database_size(current_database()) as size";
  const [row] = await database.read(prepare<{ size: number }>(knex.raw(sql)), {});
  await database.close();
  return (row as { size: number }).size;
}

it("storage: largest creates with idempotency keys → at most 20 or 25 KB each", async () => {
  const DATABASE_URL = await createTemporaryDatabase();
  const key = await createKeyByCommand(DATABASE_URL);
  const server = await spawnServer({ DATABASE_URL });
  // Random, so that PostgreSQL cannot compress them.
  const createLargest = (number: number) => {
    const ideographs = (length: number) =>
      Array.from({ length }, () => String.fromCodePoint(0x20000 + Math.floor(Math.random() * 40_000))).join(
        "",
      );
    const local = `${number}-`.padEnd(64, "x");
    const domain = Array.from({ length: 3 }, () => "d".repeat(61)).join(".");
    const customer = {
      email: `${local}@${domain}.example`.slice(0, 254),
      name: ideographs(200),
      notes: ideographs(2_000),
      creditLimit: 12345.678901234567,
      taxRateOverride: 0.123456789012345,
    };
    return create(server, key, customer, `${number}-`.padEnd(255, "k"));
  };
  expect(await createLargest(0)).toBe(201);
  const before = await readSize(DATABASE_URL);
  const creates = count("LARGEST_CREATES");
  for (let number = 1; number <= creates; number++) expect(await createLargest(number)).toBe(201);
  const bytes = ((await readSize(DATABASE_URL)) - before) / creates;
  const maxKilobytes = process.env.TEST_ENGINE === "postgres" ? 25 : 20;
  const gigabytes = (bytes * 600 * 1_440) / 1e9;
  addFigure(
    "Largest creates, with idempotency keys",
    "each; a day at 600 a minute",
    `${(bytes / 1_000).toFixed(1)} KB; ${gigabytes.toFixed(0)} GB`,
    `${maxKilobytes} KB`,
  );
  expect(bytes).toBeLessThan(maxKilobytes * 1_000);
});

it("SIGUSR1: repeated → no inspector listens, the server keeps running", async () => {
  const server = await spawnServer({ DATABASE_URL: await createTemporaryDatabase() });
  let open = 0;
  for (let time = 0; time < 3; time++) {
    server.process.kill("SIGUSR1");
    await sleep(200);
    const socket = connect(9_229, "127.0.0.1");
    // Rejects if nothing listens there.
    open += await once(socket, "connect").then(
      () => 1,
      () => 0,
    );
    socket.destroy();
  }
  addFigure("SIGUSR1 three times", "connections to the port of the inspector", open, "0");
  expect(open).toBe(0);
  expect((await server.fetch("/healthz")).status).toBe(200);
});

it("documentation: commands → none downloads an unpublished package of ours", () => {
  const { info } = JSON.parse(readFileSync("generated/openapi.json", "utf8"));
  const names = [...pages.map(readPage), info.description].flatMap(listDownloadedPackages);
  const ours = names.filter((name) => /^@?distribu/.test(name));
  addFigure(
    "Packages that the pages download",
    "names; of these ours",
    `${names.length}; ${ours.length}`,
    "0",
  );
  expect(ours).toEqual([]);
});
