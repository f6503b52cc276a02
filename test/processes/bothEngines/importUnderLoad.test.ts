/** An import while servers run, and after an interruption. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import { lockDatabase } from "../../support/databaseFaults.ts";
import type { Partner } from "../../support/partner.ts";
import { runCommand } from "../../support/processes.ts";
import { startServer, type TestServer } from "../../support/server.ts";
import { temporaryFolder } from "../../support/temporaryFolder.ts";

const isSqlite = process.env.TEST_ENGINE !== "postgres";
const rows = 10_000;

let server: TestServer;
const folder = temporaryFolder();
const file = join(folder.path, "customers.csv");
beforeAll(async () => {
  server = await startServer();
  const lines = Array.from({ length: rows }, (_, n) => `n${n}@shop.example,Bakery ${n},Rings twice`);
  writeFileSync(file, ["email,name,notes", ...lines].join("\n"));
});
afterAll(async () => {
  await server?.stop();
  folder.remove();
});

const importFile = ({ company }: Partner, ...options: string[]) =>
  runCommand(["import", file, "--company", company, ...options], { DATABASE_URL: server.databaseUrl });

/** Counts the statuses of eight clients that create customers, and of `/readyz`, until the work is done. */
async function countStatusesDuring(partner: Partner, work: Promise<unknown>) {
  const statuses = { creates: new Set<number>(), readiness: new Set<number>() };
  let isDone = false;
  const clients = Array.from({ length: 8 }, async (_, client) => {
    for (let n = 0; !isDone; n++) {
      const body = { email: `client${client}.${n}@shop.example` };
      statuses.creates.add((await partner.send("POST", "/customers", body)).status);
    }
  });
  const poll = (async () => {
    for (; !isDone; await sleep(50)) statuses.readiness.add((await server.fetch("/readyz")).status);
  })();
  await work.finally(() => (isDone = true));
  await Promise.all([...clients, poll]);
  return { creates: [...statuses.creates], readiness: [...statuses.readiness] };
}

it("import: 8 clients create meanwhile, --in-batches on SQLite → no 503", async () => {
  const partner = await server.partner();
  const importing = importFile(partner, ...(isSqlite ? ["--in-batches"] : []));
  expect(await countStatusesDuring(partner, importing)).toEqual({ creates: [201], readiness: [200] });
  expect((await importing).stdout).toMatch(`${rows} created, 0 updated, 0 unchanged`);
});

it("import: --dry-run while 8 clients create → no 503, nothing written", async () => {
  const partner = await server.partner();
  const importing = importFile(partner, "--dry-run");
  expect(await countStatusesDuring(partner, importing)).toEqual({ creates: [201], readiness: [200] });
  expect((await importing).stdout).toMatch(`${rows} created, 0 updated, 0 unchanged`);
  expect((await partner.send("GET", "/customers?search=n77@shop")).body.data).toEqual([]);
});

if (isSqlite) {
  it("import: --dry-run while another process has the lock → counts", async () => {
    const partner = await server.partner();
    const unlock = await lockDatabase(server);
    try {
      expect((await importFile(partner, "--dry-run")).stdout).toMatch(`${rows} created, 0 updated`);
    } finally {
      await unlock();
    }
  });
}

it("import: --in-batches, killed midway → the same command writes the rest", async () => {
  const partner = await server.partner();
  const args = ["dist/server/cli.js", "import", file, "--company", partner.company, "--in-batches"];
  const child = spawn(process.execPath, args, {
    env: { ...process.env, DATABASE_URL: server.databaseUrl },
    stdio: "ignore",
  });
  const closed = once(child, "close");
  onTestFinished(() => void child.kill("SIGKILL"));
  const isStarted = async () => (await partner.send("GET", "/customers?limit=1")).body.data.length > 0;
  while (!(await isStarted())) await sleep(5);
  child.kill("SIGKILL");
  await closed;

  const { code, stdout } = await importFile(partner, "--in-batches");
  const [created = 0, , unchanged = 0] = (stdout.match(/\d+(?= [a-z])/g) ?? []).map(Number);
  expect([code, created + unchanged]).toEqual([0, rows]);
  expect(created).toBeGreaterThan(0);
  expect(unchanged).toBeGreaterThan(0);
  expect((await importFile(partner)).stdout).toMatch(`0 created, 0 updated, ${rows} unchanged`);
});
