/** PostgreSQL stops, freezes, rejects connections or is killed: the server responds 503 and recovers. */
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { addFigure, formatTimes } from "../support/figures.ts";
import { listAllCustomers } from "../support/listAllCustomers.ts";
import { execute, type PostgresServer, startPostgres } from "../support/postgres.ts";
import { launchServer } from "../support/processes.ts";
import { count, findLimit } from "./counts.ts";
import { type Outage, startOutage } from "./outage.ts";
import { Writer } from "./writers.ts";

let postgres: PostgresServer;
beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres?.remove());

describe("outages of PostgreSQL", () => {
  async function startTestOutage(name: string): Promise<Outage & { all: Outage["reads"] }> {
    const outage = await startOutage(name, postgres.url);
    onTestFinished(() => outage.server.stop());
    return { ...outage, all: [...outage.reads, ...outage.writes, outage.withUnknownKey] };
  }

  it("PostgreSQL: stopped → 503 within two seconds, recovers within two", async () => {
    const outage = await startTestOutage("PostgreSQL stopped");
    await postgres.stop();
    try {
      await outage.expectUnavailable(outage.all);
    } finally {
      await postgres.start();
    }
    await outage.expectRecovery();
  });

  it("PostgreSQL: frozen → 503 within two seconds, recovers within two", async () => {
    const outage = await startTestOutage("PostgreSQL frozen");
    postgres.freeze();
    try {
      await outage.expectUnavailable(outage.all);
    } finally {
      postgres.thaw();
    }
    await outage.expectRecovery();
  });

  it("PostgreSQL: no connections left → 503 within two seconds, recovers within two", async () => {
    const outage = await startTestOutage("PostgreSQL's connections exhausted");
    // The server has lost its connections, and other clients have taken all new ones.
    const others: pg.Client[] = [];
    await execute(
      postgres.url,
      "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid()",
    );
    try {
      for (;;) {
        const other = new pg.Client(postgres.url);
        other.on("error", () => {});
        const isConnected = await other.connect().then(
          () => true,
          () => false,
        );
        if (!isConnected) break;
        others.push(other);
      }
      await outage.expectUnavailable(outage.all);
    } finally {
      await Promise.all(others.map((other) => other.end()));
    }
    await outage.expectRecovery();
  });

  it("PostgreSQL: each statement slow → 503 within two seconds for the whole request", async () => {
    const outage = await startTestOutage("PostgreSQL slow at every statement");
    const locks = new pg.Client(postgres.url);
    await locks.connect();
    try {
      // The lookup of the key is slow, and then the customer is not found in time.
      await locks.query("begin");
      await locks.query("lock table api_keys, customers, idempotency_keys in access exclusive mode");
      const responses = outage.expect503([...outage.reads, ...outage.writes]);
      await sleep(1_200);
      await locks.query("rollback; begin; lock table customers in access exclusive mode");
      await responses;
    } finally {
      await locks.end();
    }
    await outage.expectRecovery();
  });

  it("PostgreSQL: restarted under load → 200, 201 or 503 only", async () => {
    const outage = await startTestOutage("PostgreSQL restarted under load");
    let isOver = false;
    const load = outage.load(() => isOver);
    try {
      await sleep(300);
      await postgres.stop();
      await sleep(300);
      await postgres.start();
      await outage.expectRecovery();
    } finally {
      isOver = true;
    }
    expect(await load).toEqual([200, 201, 503]);
  });

  it("PostgreSQL: kill -9 during writes → none lost or partial, retries replay", async () => {
    const { server } = await startTestOutage("");
    const { key } = await server.partner({ company: "killed" });
    const writers = Array.from({ length: 8 }, (_, number) => new Writer(`killed-${number}`, key));
    const kills = count("POSTGRES_KILLS");
    const recoveries: number[] = [];
    for (let cycle = 0; cycle < kills; cycle += 1) {
      let toGo = count("WRITES_PER_KILL");
      let isOver = false;
      let running: Promise<unknown> = Promise.resolve();
      await new Promise<void>((resolve, reject) => {
        const acknowledged = () => --toGo === 0 && resolve();
        running = Promise.all(writers.map((writer) => writer.run(server, acknowledged, () => isOver)));
        running.catch(reject);
      });
      await sleep(Math.random() * 5);
      await postgres.kill();
      isOver = true;
      await postgres.start();
      const repairedAt = performance.now();
      // Each writer finishes with the response to its last request.
      await running;
      recoveries.push(performance.now() - repairedAt);
      for (const found of await Promise.all(writers.map((writer) => writer.check(server))))
        expect(found).toEqual({ lost: [], half: [] });
    }
    const stored = await listAllCustomers(await server.client(key));
    const expected = writers.flatMap(({ acknowledged }) => [...acknowledged]);
    expect(stored).toHaveLength(expected.length);
    expect(Object.fromEntries(stored.map((customer) => [customer.id, customer]))).toEqual(
      Object.fromEntries(expected),
    );
    const total = (of: (writer: Writer) => number) => writers.reduce((sum, writer) => sum + of(writer), 0);
    const test = "kill -9 of PostgreSQL";
    addFigure(test, "kills under 8 clients", kills);
    addFigure(
      test,
      "acknowledged writes; lost, half applied",
      `${total((w) => w.acknowledgedWrites)}; 0, 0`,
      "0, 0",
    );
    addFigure(
      test,
      "retries; creates that had taken effect",
      `${total((w) => w.retries)}; ${total((w) => w.replays)}`,
    );
    addFigure(test, "duplicates", stored.length - expected.length, "0");
    addFigure(test, "every client got its response within", formatTimes(recoveries), "2000 ms");
    expect(Math.max(...recoveries)).toBeLessThan(findLimit(2_000));
  });
});

describe("startup", () => {
  const waiting = "cannot open the database yet, retrying in one second";
  const attempts = (output: string) =>
    output
      .trimEnd()
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line))
      .filter(({ msg }) => msg === waiting);

  it("startup: PostgreSQL down → a warning for each attempt, ready once it is back", async () => {
    await postgres.stop();
    const launched = launchServer({ DATABASE_URL: postgres.url });
    try {
      await expect
        .poll(() => attempts(launched.output()).length, { timeout: 10_000 })
        .toBeGreaterThanOrEqual(2);
      expect(attempts(launched.output())[0]).toMatchObject({
        level: "warn",
        attempt: 1,
        of: 30,
        err: { code: "ECONNREFUSED" },
      });
    } finally {
      await postgres.start();
    }
    const url = await launched.listening();
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
  });

  it("startup: wrong password → a warning for each attempt, without the password", async () => {
    const url = new URL(postgres.url);
    url.password = "not-the-password";
    const launched = launchServer({ DATABASE_URL: url.href });
    await expect
      .poll(() => attempts(launched.output()).length, { timeout: 10_000 })
      .toBeGreaterThanOrEqual(3);
    expect(launched.process.exitCode).toBeNull();
    expect(attempts(launched.output())[0]).toMatchObject({ err: { code: "28P01" } });
    expect(launched.output()).not.toContain("not-the-password");
  });
});
