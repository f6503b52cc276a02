/**
 * SQLite: files that are deleted, replaced or emptied under the server. The server must not acknowledge writes that are
 * lost.
 */
import { copyFileSync, renameSync, rmSync, statSync, symlinkSync, truncateSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { createTemporaryDatabase } from "../support/databases.ts";
import {
  createKeyByCommand,
  createTables,
  runCommand,
  runServer,
  spawnServer,
} from "../support/processes.ts";

async function startWithKey() {
  const DATABASE_URL = await createTemporaryDatabase();
  const Authorization = `Bearer ${await createKeyByCommand(DATABASE_URL)}`;
  const start = () => spawnServer({ DATABASE_URL });
  const server = await start();
  let creates = 0;
  const requests = (port: number) => {
    const url = `http://127.0.0.1:${port}`;
    const customers = `${url}/api/v1/customers`;
    return {
      ready: async () => (await fetch(`${url}/readyz`)).status,
      list: async () => (await fetch(customers, { headers: { Authorization } })).status,
      listWithInvalidKey: async () =>
        (await fetch(customers, { headers: { Authorization: "Bearer dk_x" } })).status,
      async create() {
        const body = JSON.stringify({ email: `${++creates}@x.example` });
        const headers = { Authorization, "Content-Type": "application/json" };
        return (await fetch(customers, { method: "POST", headers, body })).status;
      },
    };
  };
  return {
    server,
    file: DATABASE_URL.slice("sqlite:".length),
    ...requests(server.port),
    /** Kills the server and starts it again. */
    async restart() {
      server.process.kill("SIGKILL");
      await server.exited;
      return requests((await start()).port);
    },
  };
}

const accidents: Record<string, (file: string) => void> = {
  "the file is deleted": (file) => rmSync(file),
  "all files are deleted": (file) => {
    for (const end of ["", "-wal", "-shm"]) rmSync(file + end);
  },
  "the file is replaced": (file) => {
    copyFileSync(file, `${file}.restored`);
    renameSync(`${file}.restored`, file);
  },
  "the write-ahead log is deleted": (file) => rmSync(`${file}-wal`),
  "the index of the write-ahead log is deleted": (file) => rmSync(`${file}-shm`),
};

it.each(Object.keys(accidents))("SQLite: %s → 503 until a restart", async (accident) => {
  const { server, file, ready, list, listWithInvalidKey, create, restart } = await startWithKey();
  expect(await create()).toBe(201);
  accidents[accident]?.(file);
  // Readiness fails at once, and so do writes unless only the index was deleted; reads fail within a second.
  if (!accident.startsWith("the index")) expect(await create()).toBe(503);
  expect(await ready()).toBe(503);
  await sleep(1_100);
  for (let time = 0; time < 3; time++)
    expect([await list(), await listWithInvalidKey(), await create(), await ready()]).toEqual([
      503, 503, 503, 503,
    ]);
  expect(server.process.exitCode).toBeNull();
  await expect
    .poll(() => server.output(), { timeout: 5_000 })
    .toContain("the database file was deleted or replaced: restart the server");
  // A server does not start on the log of a missing file.
  rmSync(`${file}-wal`, { force: true });
  const restarted = await restart();
  expect(await restarted.ready()).toBe(200);
});

it("SQLite: file moved away and back → 503, then works again", async () => {
  const { file, ready, list, create } = await startWithKey();
  renameSync(file, `${file}.away`);
  expect([await create(), await ready()]).toEqual([503, 503]);
  renameSync(`${file}.away`, file);
  await sleep(1_100);
  expect([await ready(), await list(), await create()]).toEqual([200, 200, 201]);
});

it("SQLite: file truncated → 503, even after a backup is copied into it", async () => {
  const { server, file, ready, list, create } = await startWithKey();
  expect(await create()).toBe(201);
  copyFileSync(file, `${file}.backup`);
  truncateSync(file);
  expect([await create(), await ready(), await list()]).toEqual([503, 503, 503]);
  copyFileSync(`${file}.backup`, file);
  await sleep(1_100);
  expect([await create(), await ready(), await list()]).toEqual([503, 503, 503]);
  await expect
    .poll(() => server.output(), { timeout: 5_000 })
    .toContain("the database file was truncated: stop the server and restore a backup");
});

it.each([
  ["was emptied", truncateSync],
  ["is missing", rmSync],
] as const)("SQLite: file that %s before startup → an error, and the log is kept", async (problem, lose) => {
  const { server, file, create } = await startWithKey();
  expect(await create()).toBe(201);
  server.process.kill("SIGKILL");
  await server.exited;
  lose(file);
  const { size } = statSync(`${file}-wal`);
  const DATABASE_URL = `sqlite:${file}`;
  const { code, stdout } = await runServer({ DATABASE_URL });
  expect([code, stdout]).toEqual([
    1,
    expect.stringContaining(`the file ${problem}, but its write-ahead log`),
  ]);
  expect((await runCommand(["keys", "list"], { DATABASE_URL })).code).toBe(1);
  expect(statSync(`${file}-wal`).size).toBe(size);
});

it("SQLite: link to a file that does not exist → created for its owner only", async () => {
  const url = await createTemporaryDatabase();
  const file = url.slice("sqlite:".length);
  symlinkSync("linked.db", file);
  await createTables(url);
  expect(statSync(join(dirname(file), "linked.db")).mode & 0o777).toBe(0o600);
});

it("SQLite: directory instead of a file → an error that says so", async () => {
  const url = await createTemporaryDatabase();
  const folder = dirname(url.slice("sqlite:".length));
  const { code, stderr } = await runCommand(["keys", "list"], { DATABASE_URL: `sqlite:${folder}` });
  expect([code, stderr]).toEqual([1, `Cannot open the database ${folder}: it is a directory\n`]);
});

it("SQLite: folder that cannot be created → an error that says so", async () => {
  const DATABASE_URL = "sqlite:/proc/distribu/test.db";
  const { code, stdout } = await runServer({ DATABASE_URL });
  expect([code, stdout]).toEqual([1, expect.stringContaining("mkdir '/proc/distribu'")]);
});
