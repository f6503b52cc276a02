/** Checks how an outage of the database looks from outside: sends requests repeatedly, and measures the responses. */
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import { addFigure, formatTimes } from "../support/figures.ts";
import type { ParsedResponse } from "../support/partner.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { findLimit } from "./counts.ts";

/** The promised times: for any response, until readiness is 503, and for the recovery after the repair. */
const responseMilliseconds = 2_000;
const readinessMilliseconds = 1_000;
const recoveryMilliseconds = 2_000;

/** Sends the same request each time. */
type Send = () => Promise<Pick<ParsedResponse, "status" | "headers">>;

/** A server whose database is about to fail, and requests to it. */
export interface Outage {
  server: TestServer;
  reads: Send[];
  writes: Send[];
  /** A read with an unknown key: while the key cannot be looked up, the response must not be 401. */
  withUnknownKey: Send;
  /**
   * Sends requests for a while, right after the database has failed; many more at once than there are connections.
   * @param failing get a 503 each time
   * @param working succeed as usual
   */
  expectUnavailable(
    failing: Send[],
    working?: Send[],
    options?: { milliseconds?: number; staysReady?: boolean },
  ): Promise<void>;
  /** Sends each request once, and expects a 503. */
  expect503(requests: Send[]): Promise<void>;
  /** Sends requests until all succeed again, within the promised time; then adds the figures. */
  expectRecovery(): Promise<void>;
  /** Sends requests until `isOver`. Returns every status received. */
  load(isOver: () => boolean): Promise<number[]>;
}

/** Starts a server on a database, with one customer. The name is that of the fault to come. */
export async function startOutage(name: string, databaseUrl: string): Promise<Outage> {
  const server = await startServer({ databaseUrl, requestsPerMinute: 1_000_000 });
  const partner = await server.partner({ company: `company-${performance.now()}` });
  const { body } = await partner.send("POST", "/customers", { email: "kept@x.example", name: "Kept" });
  const path = `/customers/${body.data.id}`;
  const safe: Send = () =>
    partner.send("POST", "/customers", { email: "safe@x.example" }, { "Idempotency-Key": "safe" });
  const responseTimes: number[] = [];
  const readinessTimes: number[] = [];

  async function timed<Result>(times: number[], work: Promise<Result>): Promise<Result> {
    const startedAt = performance.now();
    const result = await work;
    times.push(performance.now() - startedAt);
    return result;
  }

  let names = 0;
  const reads: Send[] = [
    () => partner.send("GET", path),
    () => partner.send("GET", "/customers"),
    () => partner.send("GET", "/customers?search=kept"),
  ];
  const withUnknownKey: Send = () => server.fetch("/api/v1/customers", { key: "dk_unknown" });
  const writes: Send[] = [
    () => partner.send("POST", "/customers", { email: "lost@x.example" }),
    safe,
    () => partner.send("PATCH", path, { name: `Changed ${++names}` }),
  ];

  async function expect503(requests: Send[]): Promise<void> {
    await Promise.all(
      requests.map(async (send) => {
        const { status, headers } = await timed(responseTimes, send());
        expect([status, headers.get("Retry-After")]).toEqual([503, "1"]);
      }),
    );
  }

  return {
    expect503,
    server,
    reads,
    writes,
    withUnknownKey,
    async expectUnavailable(failing, working = [], { milliseconds = 2_400, staysReady = false } = {}) {
      const failedAt = performance.now();
      const sent: Promise<void>[] = [];
      let isReady = true;
      while (performance.now() - failedAt < milliseconds) {
        sent.push(expect503([...failing, ...failing]));
        for (const send of working)
          sent.push(timed(responseTimes, send()).then(({ status }) => expect(status).toBeLessThan(300)));
        const health = timed(responseTimes, server.fetch("/healthz"));
        sent.push(health.then(({ status }) => expect(status).toBe(200)));
        if (isReady) {
          const { status } = await server.fetch("/readyz");
          isReady = status !== 503;
          if (!isReady) readinessTimes.push(performance.now() - failedAt);
        } else {
          const readiness = timed(readinessTimes, server.fetch("/readyz"));
          sent.push(readiness.then(({ status }) => expect(status).toBe(503)));
        }
        await sleep(200);
      }
      await Promise.all(sent);
      expect(isReady).toBe(staysReady);
      expect(Math.max(...readinessTimes)).toBeLessThan(findLimit(readinessMilliseconds));
    },
    async expectRecovery() {
      const repairedAt = performance.now();
      const statuses = new Set<number>();
      for (const send of [...reads, writes[2] as Send, () => server.fetch("/readyz")]) {
        let status: number;
        do {
          status = (await send()).status;
          statuses.add(status);
          if (status !== 200) await sleep(20);
        } while (status !== 200 && performance.now() - repairedAt < findLimit(recoveryMilliseconds));
      }
      const recovery = performance.now() - repairedAt;
      expect([...statuses].filter((status) => status !== 200 && status !== 503)).toEqual([]);
      expect(recovery).toBeLessThan(findLimit(recoveryMilliseconds));
      expect((await withUnknownKey()).status).toBe(401);
      // The same request again: whether or not the first one succeeded, there must be exactly one customer.
      const again = (await safe()) as ParsedResponse;
      expect(again.status).toBe(201);
      const found = await partner.send("GET", "/customers?search=safe@x.example");
      expect(found.body.data).toEqual([again.body.data]);
      expect((await partner.send("GET", "/customers?search=kept@")).body.data).toHaveLength(1);

      expect(Math.max(...responseTimes)).toBeLessThan(findLimit(responseMilliseconds));
      addFigure(name, `${responseTimes.length} responses within`, formatTimes(responseTimes), "2000 ms");
      if (readinessTimes.length > 0)
        addFigure(name, "/readyz is 503 within", formatTimes(readinessTimes), "1000 ms");
      addFigure(name, "recovered within", formatTimes([recovery]), "2000 ms");
    },
    async load(isOver) {
      const statuses = new Set<number>();
      const clients = [...reads, ...reads, ...writes.slice(1)].map(async (send) => {
        while (!isOver()) statuses.add((await timed(responseTimes, send())).status);
      });
      await Promise.all(clients);
      return [...statuses].sort();
    },
  };
}
