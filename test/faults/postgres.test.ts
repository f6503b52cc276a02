/** A PostgreSQL that stops, freezes, refuses us or is killed: the server says so, waits, and recovers. */
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { listAllCustomers } from "../support/listAllCustomers.ts";
import { execute, type PostgresServer, startPostgres } from "../support/postgres.ts";
import { launchServer } from "../support/processes.ts";
import { count } from "./counts.ts";
import { addFigure, timesOf } from "./figures.ts";
import { type Outage, startOutage } from "./outage.ts";
import { Writer } from "./writers.ts";

let postgres: PostgresServer;
beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres?.remove());

describe("when PostgreSQL", () => {
  async function outageOfTest(name: string): Promise<Outage & { refused: Outage["reads"] }> {
    const outage = await startOutage(name, postgres.url);
    onTestFinished(() => outage.server.stop());
    return { ...outage, refused: [...outage.reads, ...outage.writes, outage.withUnknownKey] };
  }

  it("stops, every request is a 503 within two seconds; when it is back, all is well within two", async () => {
    const outage = await outageOfTest("PostgreSQL stopped");
    await postgres.stop();
    try {
      await outage.expectUnavailable(outage.refused);
    } finally {
      await postgres.start();
    }
    await outage.expectRecovery();
  });

  it("freezes, every request is a 503 within two seconds; when it thaws, all is well within two", async () => {
    const outage = await outageOfTest("PostgreSQL frozen");
    postgres.freeze();
    try {
      await outage.expectUnavailable(outage.refused);
    } finally {
      postgres.thaw();
    }
    await outage.expectRecovery();
  });

  it("has no connection left, every request is a 503 within two seconds; with one again, all is well within two", async () => {
    const outage = await outageOfTest("PostgreSQL's connections exhausted");
    // The server has lost its connections too, and others were quicker to take new ones.
    const others: pg.Client[] = [];
    await execute(
      postgres.url,
      "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid()",
    );
    try {
      for (;;) {
        const other = new pg.Client(postgres.url);
        other.on("error", () => {});
        const isIn = await other.connect().then(
          () => true,
          () => false,
        );
        if (!isIn) break;
        others.push(other);
      }
      await outage.expectUnavailable(outage.refused);
    } finally {
      await Promise.all(others.map((other) => other.end()));
    }
    await outage.expectRecovery();
  });

  it("answers each statement late, the whole request is still answered within two seconds", async () => {
    const outage = await outageOfTest("PostgreSQL slow at every statement");
    const locks = new pg.Client(postgres.url);
    await locks.connect();
    try {
      // The key is found late, and then the customer is not found in time.
      await locks.query("begin");
      await locks.query("lock table api_keys, customers, idempotency_keys in access exclusive mode");
      const asked = outage.expectRefused([...outage.reads, ...outage.writes]);
      await sleep(1_200);
      await locks.query("rollback; begin; lock table customers in access exclusive mode");
      await asked;
    } finally {
      await locks.end();
    }
    await outage.expectRecovery();
  });

  it("restarts under load, every answer is as ever or a 503, and no other", async () => {
    const outage = await outageOfTest("PostgreSQL restarted under load");
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

  it("is killed with kill -9 under writes, no acknowledged write is lost, none is half, and a retry gets the first answer", async () => {
    const { server } = await outageOfTest("");
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
      // Each of them ends with the answer to what it had sent.
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
    addFigure(test, "every client answered within", timesOf(recoveries), "2000 ms");
    expect(Math.max(...recoveries)).toBeLessThan(2_000);
  });
});

describe("a server that starts", () => {
  const waiting = "cannot open the database yet, retrying in one second";
  const attempts = (output: string) =>
    output
      .trimEnd()
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line))
      .filter(({ msg }) => msg === waiting);

  it("while PostgreSQL is down says so at each try, and begins when it comes back", async () => {
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

  it("with a wrong password says so at each try, keeps trying, and never says the password", async () => {
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
