/** High availability: the primary is killed, and its synchronous standby is promoted. */
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it, onTestFinished } from "vitest";
import { addFigure, formatTimes } from "../support/figures.ts";
import { listAllCustomers } from "../support/listAllCustomers.ts";
import { execute, freePort, type PostgresServer, startPostgres } from "../support/postgres.ts";
import { createKeyByCommand, spawnServer } from "../support/processes.ts";
import { count, findLimit } from "./counts.ts";
import { Writer } from "./writers.ts";

const recoveryMilliseconds = 2_000;

/** Starts a synchronous standby: the primary acknowledges only what the standby has too. Returns its URL. */
async function startStandby(primary: PostgresServer): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "distribu-standby-"));
  const data = join(folder, "data");
  const port = await freePort();
  const { hostname, port: primaryPort, username, password } = new URL(primary.url);
  // These binaries have no pg_basebackup; a copy of the stopped primary's directory works as well.
  await primary.stop();
  execFileSync("chmod", ["755", folder]);
  execFileSync("cp", ["--archive", primary.data, data]);
  writeFileSync(join(data, "standby.signal"), "");
  const source = `host=${hostname} port=${primaryPort} user=${username} password=${password}`;
  appendFileSync(join(data, "postgresql.auto.conf"), `primary_conninfo = '${source}'\n`);
  appendFileSync(join(primary.data, "postgresql.auto.conf"), "synchronous_standby_names = '*'\n");
  await primary.start();
  const standby = await primary.launchOn(data, port);
  onTestFinished(async () => {
    const exited = once(standby, "exit");
    standby.kill("SIGINT");
    await exited;
    rmSync(folder, { recursive: true });
  });
  const url = new URL(primary.url);
  url.port = String(port);
  return url.href;
}

/** Opens an address that can be moved to another server, like a virtual IP address. */
async function openAddress(url: string): Promise<{ url: string; moveTo(url: string): void }> {
  let { port } = new URL(url);
  const sockets = new Set<net.Socket>();
  const proxy = net.createServer((incoming) => {
    const outgoing = net.connect(Number(port), "127.0.0.1");
    for (const [socket, other] of [
      [incoming, outgoing],
      [outgoing, incoming],
    ] as const) {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        sockets.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
  });
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
  onTestFinished(() => {
    proxy.close();
    for (const socket of sockets) socket.destroy();
  });
  const own = new URL(url);
  own.port = String((proxy.address() as net.AddressInfo).port);
  return {
    url: own.href,
    moveTo(other) {
      port = new URL(other).port;
      for (const socket of sockets) socket.destroy();
    },
  };
}

it("failover: primary killed under load, standby promoted → no write lost", async () => {
  const primary = await startPostgres();
  onTestFinished(() => primary.remove());
  const standbyUrl = await startStandby(primary);
  const address = await openAddress(primary.url);
  const key = await createKeyByCommand(address.url);
  const server = await spawnServer({ DATABASE_URL: address.url });
  const send = () =>
    server.fetch("/api/v1/customers?limit=1", { headers: { Authorization: `Bearer ${key}` } });

  const writers = Array.from({ length: 8 }, (_, number) => new Writer(`failover-${number}`, key));
  const writes = count("FAILOVER_WRITES");
  const acknowledged = () => writers.reduce((sum, writer) => sum + writer.acknowledgedWrites, 0);
  let isOver = false;
  const running = Promise.all(
    writers.map((writer) =>
      writer.run(
        server,
        () => {},
        () => isOver,
      ),
    ),
  );
  await expect.poll(acknowledged, { timeout: 600_000 }).toBeGreaterThanOrEqual(writes);
  await primary.kill();
  const killedAt = performance.now();
  // Writes in flight were acknowledged before, or get a 503.
  await sleep(500);
  const atFailure = acknowledged();
  const statuses = new Set<number>();
  for (let n = 0; n < 10; n++) {
    statuses.add((await send()).status);
    await sleep(50);
  }
  expect([...statuses]).toEqual([503]);
  expect((await server.fetch("/readyz")).status).toBe(503);
  expect((await server.fetch("/healthz")).status).toBe(200);
  expect(acknowledged()).toBe(atFailure);

  // A standby that has the address but is not promoted yet accepts no writes.
  address.moveTo(standbyUrl);
  await expect.poll(async () => (await send()).status, { timeout: 5_000 }).toBe(200);
  await sleep(200);
  expect(acknowledged()).toBe(atFailure);
  await execute(standbyUrl, "select pg_promote()");
  const promotedAt = performance.now();
  await expect
    .poll(() => writers.every(({ unacknowledged }) => unacknowledged === undefined) || acknowledged(), {
      timeout: 10_000,
      interval: 10,
    })
    .toSatisfy((found) => found === true || Number(found) > atFailure + 8);
  const recovery = performance.now() - promotedAt;
  expect(recovery).toBeLessThan(findLimit(recoveryMilliseconds));
  await expect
    .poll(async () => (await server.fetch("/readyz")).status, { timeout: findLimit(recoveryMilliseconds) })
    .toBe(200);
  await expect.poll(acknowledged, { timeout: 600_000 }).toBeGreaterThanOrEqual(atFailure + writes);
  isOver = true;
  await running;

  for (const found of await Promise.all(writers.map((writer) => writer.check(server))))
    expect(found).toEqual({ lost: [], half: [] });
  const stored = await listAllCustomers(server.client(key));
  const expected = writers.flatMap((writer) => [...writer.acknowledged]);
  expect(stored).toHaveLength(expected.length);
  expect(Object.fromEntries(stored.map((customer) => [customer.id, customer]))).toEqual(
    Object.fromEntries(expected),
  );
  const name = "PostgreSQL's primary killed, its synchronous standby promoted";
  addFigure(name, "acknowledged writes, lost", `${acknowledged()}, 0`, "0 lost");
  addFigure(name, "out of service until the promotion", formatTimes([promotedAt - killedAt]));
  addFigure(name, "recovered within", formatTimes([recovery]), `${recoveryMilliseconds} ms`);
});
