/** A PostgreSQL that stops, freezes or refuses us: the server says so, waits, and recovers by itself. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { launchServer, type Partner, startServer, type TestServer } from "./harness.ts";
import { type PostgresServer, startPostgres } from "./postgres.ts";

/** The contract's promise: an answer within two seconds, and recovery within two seconds. */
const promisedMilliseconds = 2_000;

let postgres: PostgresServer;
beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres?.remove());

/** Fails where it takes longer than is promised. */
async function withinPromise<Result>(work: Promise<Result>): Promise<Result> {
  const startedAt = performance.now();
  const result = await work;
  expect(performance.now() - startedAt).toBeLessThan(promisedMilliseconds);
  return result;
}

describe("when PostgreSQL", () => {
  let server: TestServer;
  let partner: Partner;
  let path: string;
  beforeEach(async () => {
    server = await startServer({ databaseUrl: postgres.url, requestsPerMinute: 100_000 });
    partner = await server.partner({ company: `company-${performance.now()}` });
    const { body } = await partner.send("POST", "/customers", { email: "kept@x.example", name: "Kept" });
    path = `/customers/${body.data.id}`;
  });
  afterEach(() => server.stop());

  const requests: (() => Promise<{ status: number; headers: Headers }>)[] = [
    () => partner.send("GET", path),
    () => partner.send("GET", "/customers"),
    () => partner.send("GET", "/customers?search=kept"),
    () => partner.send("POST", "/customers", { email: "lost@x.example" }),
    () => partner.send("POST", "/customers", { email: "safe@x.example" }, { "Idempotency-Key": "safe" }),
    () => partner.send("PATCH", path, { name: "Changed" }),
    // Nobody can say now whether this key is wrong.
    () => server.fetch("/api/v1/customers", { key: "dk_unknown" }),
  ];

  /** Asks everything, over and over, more at once than the pool has connections. */
  async function expectUnavailable(): Promise<void> {
    const sent: Promise<void>[] = [];
    for (let round = 0; round < 12; round++) {
      for (const request of [...requests, ...requests]) {
        sent.push(
          withinPromise(request()).then(({ status, headers }) => {
            expect([status, headers.get("Retry-After")]).toEqual([503, "1"]);
          }),
        );
      }
      await sleep(200);
    }
    await Promise.all(sent);
    expect((await withinPromise(server.fetch("/readyz"))).status).toBe(503);
    expect((await withinPromise(server.fetch("/healthz"))).status).toBe(200);
  }

  /** Asks until it is answered again, for as long as is promised, and then whether nothing is wrong. */
  async function expectRecovery(): Promise<void> {
    const statuses = new Set<number>();
    await expect
      .poll(
        async () => {
          const { status } = await partner.send("GET", path);
          statuses.add(status);
          return status;
        },
        { timeout: promisedMilliseconds, interval: 50 },
      )
      .toBe(200);
    expect([...statuses].filter((status) => status !== 200 && status !== 503)).toEqual([]);
    expect((await server.fetch("/readyz")).status).toBe(200);
    expect((await server.fetch("/api/v1/customers", { key: "dk_unknown" })).status).toBe(401);
    // The same request again: whether the first came through or not, there is one customer.
    const again = await partner.send(
      "POST",
      "/customers",
      { email: "safe@x.example" },
      { "Idempotency-Key": "safe" },
    );
    expect(again.status).toBe(201);
    const { body } = await partner.send("GET", "/customers?search=safe@x.example");
    expect(body.data).toEqual([again.body.data]);
    expect((await partner.send("GET", "/customers?search=kept@")).body.data).toHaveLength(1);
  }

  it("stops, every request is a 503 within two seconds; when it is back, all is well within two", async () => {
    await postgres.stop();
    await expectUnavailable();
    await postgres.start();
    await expectRecovery();
  });

  it("freezes, every request is a 503 within two seconds; when it thaws, all is well within two", async () => {
    postgres.freeze();
    try {
      await expectUnavailable();
    } finally {
      postgres.thaw();
    }
    await expectRecovery();
  });

  it("restarts under load, every answer is as ever or a 503, and no other", async () => {
    const statuses = new Set<number>();
    let isOver = false;
    const load = Promise.all(
      requests.slice(0, 3).map(async (request) => {
        while (!isOver) statuses.add((await withinPromise(request())).status);
      }),
    );
    try {
      await sleep(300);
      await postgres.stop();
      await sleep(300);
      await postgres.start();
      await expectRecovery();
    } finally {
      isOver = true;
      await load;
    }
    expect([...statuses].sort()).toEqual([200, 503]);
  });
});

describe("a server that starts", () => {
  const waiting = "cannot open the database yet, trying again in a second";
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
        level: 40,
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
