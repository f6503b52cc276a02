/**
 * The power fails while SQLite writes its log, so the log on disk may end anywhere. A database with its log cut at any
 * position must open, and contain everything acknowledged up to some point and nothing after it.
 */
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import SqliteConnection from "better-sqlite3";
import { afterAll, expect, it, onTestFinished } from "vitest";
import { createTemporaryDatabase } from "../support/databases.ts";
import { addFigure } from "../support/figures.ts";
import { listAllCustomers } from "../support/listAllCustomers.ts";
import { createKeyByCommand, spawnServer } from "../support/processes.ts";
import { temporaryFolder } from "../support/temporaryFolder.ts";
import { count } from "./counts.ts";

// https://sqlite.org/fileformat2.html#the_write_ahead_log
const logHeaderBytes = 32;
const frameHeaderBytes = 24;

/** A write: the customer in its response, when it was sent, and when its response arrived. */
interface Write {
  from: number;
  to: number;
  id: string;
  /** Counts the writes to this customer. */
  version: number;
  customer: { id: string; email: string; name: string | null };
}

/** A database and its log, as bytes. */
interface Files {
  database: Buffer;
  log: Buffer;
  pageBytes: number;
}

/** Writes to a server with several concurrent clients. Returns the writes, and the files after all responses. */
async function writeConcurrently(clients: number): Promise<{ writes: Write[]; files: Files; key: string }> {
  const DATABASE_URL = await createTemporaryDatabase();
  const key = await createKeyByCommand(DATABASE_URL);
  const file = DATABASE_URL.slice("sqlite:".length);
  const server = await spawnServer({ DATABASE_URL });
  const client = server.client(key);
  // The first request writes the time of the key's last use.
  await client.GET("/customers");
  const other = new SqliteConnection(file);
  onTestFinished(() => void other.close());
  other.pragma("wal_checkpoint(TRUNCATE)");
  const pageBytes = Number(other.pragma("page_size", { simple: true }));
  const database = readFileSync(file);
  // An open read transaction keeps SQLite from copying the log into the file.
  other.exec("begin; select 1 from customers");
  other.prepare("select count(*) from customers").get();

  const writes: Write[] = [];
  const perClient = Math.ceil(count("POWER_LOSS_WRITES") / clients);
  await Promise.all(
    Array.from({ length: clients }, async (_, number) => {
      let latest: Write | undefined;
      for (let round = 0; round < perClient; round += 1) {
        const from = performance.now();
        const body = { name: `Name ${number} ${round}` };
        const { data } =
          latest && round % 3 > 0
            ? await client.PATCH("/customers/{id}", { params: { path: { id: latest.id } }, body })
            : await client.POST("/customers", {
                params: { header: { "Idempotency-Key": `${number}-${round}` } },
                body: { ...body, email: `${number}-${round}@power.example` },
              });
        const customer = data?.data as Write["customer"];
        const version = latest && latest.id === customer.id ? latest.version + 1 : 1;
        latest = { from, to: performance.now(), id: customer.id, version, customer };
        writes.push(latest);
      }
    }),
  );
  server.process.kill("SIGKILL");
  await server.exited;
  expect(readFileSync(file).equals(database)).toBe(true);
  return { writes, files: { database, log: readFileSync(`${file}-wal`), pageBytes }, key };
}

const folder = temporaryFolder();
afterAll(folder.remove);

/** Replaces the previous copy. Returns its file. */
function writeCopy(database: Buffer, log: Buffer): string {
  const file = join(folder.path, "cut.db");
  writeFileSync(file, database);
  writeFileSync(`${file}-wal`, log);
  writeFileSync(`${file}-shm`, "");
  return file;
}

/** Reads the version of each customer in a copy, and checks the integrity of the copy. */
function readVersions(file: string, writes: Write[]): Map<string, number> {
  const connection = new SqliteConnection(file);
  try {
    connection.pragma("synchronous = OFF");
    expect(connection.pragma("integrity_check", { simple: true })).toBe("ok");
    const rows = connection.prepare("select id, name from customers").all() as { id: string; name: string }[];
    // A retry finds both the key and its customer, or neither.
    const orphans = connection
      .prepare("select count(*) from idempotency_keys where customer_id not in (select id from customers)")
      .pluck()
      .get();
    expect(orphans).toBe(0);
    return new Map(
      rows.map(({ id, name }) => {
        const write = writes.find(({ customer }) => customer.id === id && customer.name === name);
        if (!write) throw new Error(`${id} with the name ${name} was never acknowledged`);
        return [id, write.version];
      }),
    );
  } finally {
    connection.close();
  }
}

/** For each write, in the order of the responses, whether it is in a copy. */
function findHeld(versions: Map<string, number>, writes: Write[]): boolean[] {
  return writes.map(({ id, version }) => (versions.get(id) ?? 0) >= version);
}

/** Lists lengths at which a log may end: at each frame, and within its header, its page and its last byte. */
function listCuts({ log, pageBytes }: Files): number[] {
  const frameBytes = frameHeaderBytes + pageBytes;
  const cuts = [0, 1, logHeaderBytes - 1];
  for (let start = logHeaderBytes; start + frameBytes <= log.length; start += frameBytes)
    cuts.push(start, start + 8, start + frameHeaderBytes, start + frameBytes / 2, start + frameBytes - 1);
  return [...cuts, log.length];
}

it("power loss: one client's log cut anywhere → a prefix of the acknowledged writes", async () => {
  const { writes, files, key } = await writeConcurrently(1);
  const cuts = listCuts(files);
  const reached = new Set<number>();
  for (const cut of cuts) {
    const held = findHeld(
      readVersions(writeCopy(files.database, files.log.subarray(0, cut)), writes),
      writes,
    );
    const acknowledged = held.filter(Boolean).length;
    expect(held).toEqual(writes.map((_, index) => index < acknowledged));
    reached.add(acknowledged);
  }
  // Each write is a commit of its own, so there is a cut after each.
  expect(reached.size).toBe(writes.length + 1);

  // The rest of the disk block may contain anything: zeros, or bytes of an older log.
  for (const cut of cuts.filter((_, index) => index % 7 === 0)) {
    for (const rest of [Buffer.alloc(8_192), files.log.subarray(0, 8_192)]) {
      const log = Buffer.concat([files.log.subarray(0, cut), rest]);
      const held = findHeld(readVersions(writeCopy(files.database, log), writes), writes);
      expect(held).toEqual(writes.map((_, index) => index < held.filter(Boolean).length));
    }
  }

  // The power fails while the log is copied into the file: the log is complete, and is copied again.
  const { pageBytes } = files;
  const database = Buffer.concat([files.database, Buffer.alloc(files.log.length)]);
  let end = files.database.length;
  let copied = 0;
  for (let start = logHeaderBytes; start < files.log.length; start += frameHeaderBytes + pageBytes) {
    const offset = (files.log.readUInt32BE(start) - 1) * pageBytes;
    const page = files.log.subarray(start + frameHeaderBytes, start + frameHeaderBytes + pageBytes);
    page.copy(database, offset, 0, pageBytes / 2);
    end = Math.max(end, offset + pageBytes);
    copied += 1;
    if (copied % 10 === 0)
      expect(
        findHeld(readVersions(writeCopy(database.subarray(0, end), files.log), writes), writes),
      ).not.toContain(false);
    page.copy(database, offset);
  }

  // The server opens what SQLite opens, and responds with the same customers.
  const half = writeCopy(files.database, files.log.subarray(0, cuts[Math.floor(cuts.length / 2)]));
  const whole = join(folder.path, "server.db");
  for (const end of ["", "-wal"]) copyFileSync(half + end, whole + end);
  const held = findHeld(readVersions(half, writes), writes);
  const server = await spawnServer({ DATABASE_URL: `sqlite:${whole}` });
  const customers = new Map<string, unknown>();
  for (const [index, { customer }] of writes.entries()) if (held[index]) customers.set(customer.id, customer);
  expect(await listAllCustomers(server.client(key))).toEqual([...customers.values()].reverse());

  addFigure("Power loss", "acknowledged writes; cuts of the log", `${writes.length}; ${cuts.length}`);
  addFigure("Power loss", "cuts that are not a prefix of the acknowledged writes", 0, "0");
});

it("power loss: 8 clients' log cut anywhere → no earlier acknowledged write lost", async () => {
  const { writes, files } = await writeConcurrently(8);
  writes.sort((a, b) => a.to - b.to);
  const cuts = listCuts(files);
  for (const cut of cuts) {
    const held = findHeld(
      readVersions(writeCopy(files.database, files.log.subarray(0, cut)), writes),
      writes,
    );
    const latestSent = Math.max(0, ...writes.filter((_, index) => held[index]).map(({ from }) => from));
    const lost = writes.filter(({ to }, index) => to < latestSent && !held[index]);
    expect(lost).toEqual([]);
  }
  const whole = findHeld(readVersions(writeCopy(files.database, files.log), writes), writes);
  expect(whole).not.toContain(false);
  addFigure(
    "Power loss, 8 clients",
    "acknowledged writes; cuts of the log",
    `${writes.length}; ${cuts.length}`,
  );
  addFigure("Power loss, 8 clients", "cuts that lack an earlier acknowledged write", 0, "0");
});
