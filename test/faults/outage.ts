/** What every outage of a database must look like from outside: asked over and over, and measured. */
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import type { ParsedResponse } from "../support/partner.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { addFigure, timesOf } from "./figures.ts";

/** The promises: any answer, a readiness that says 503, and the recovery after the repair. */
const answerMilliseconds = 2_000;
const readinessMilliseconds = 1_000;
const recoveryMilliseconds = 2_000;

/** A request, over and over the same. */
type Ask = () => Promise<Pick<ParsedResponse, "status" | "headers">>;

/** A server whose database is about to fail, and what is asked of it. */
export interface Outage {
  server: TestServer;
  reads: Ask[];
  writes: Ask[];
  /** A read with a key that nobody has: who cannot look it up may not say so. */
  withUnknownKey: Ask;
  /**
   * Asks for a while, far more at once than there are connections, right after the database has failed.
   * @param refused are answered 503 each time
   * @param served are answered as ever
   */
  expectUnavailable(
    refused: Ask[],
    served?: Ask[],
    options?: { milliseconds?: number; staysReady?: boolean },
  ): Promise<void>;
  /** Asks each once; all are answered 503. */
  expectRefused(asks: Ask[]): Promise<void>;
  /** Asks until all is as ever again, for as long as is promised; then prints the figures. */
  expectRecovery(): Promise<void>;
  /** Asks until `isOver`, and returns every status that came. */
  load(isOver: () => boolean): Promise<number[]>;
}

/** A server on a database, with one customer, under the name of what will happen to it. */
export async function startOutage(name: string, databaseUrl: string): Promise<Outage> {
  const server = await startServer({ databaseUrl, requestsPerMinute: 1_000_000 });
  const partner = await server.partner({ company: `company-${performance.now()}` });
  const { body } = await partner.send("POST", "/customers", { email: "kept@x.example", name: "Kept" });
  const path = `/customers/${body.data.id}`;
  const safe: Ask = () =>
    partner.send("POST", "/customers", { email: "safe@x.example" }, { "Idempotency-Key": "safe" });
  const answerTimes: number[] = [];
  const readinessTimes: number[] = [];

  async function timed<Result>(times: number[], work: Promise<Result>): Promise<Result> {
    const startedAt = performance.now();
    const result = await work;
    times.push(performance.now() - startedAt);
    return result;
  }

  let names = 0;
  const reads: Ask[] = [
    () => partner.send("GET", path),
    () => partner.send("GET", "/customers"),
    () => partner.send("GET", "/customers?search=kept"),
  ];
  const withUnknownKey: Ask = () => server.fetch("/api/v1/customers", { key: "dk_unknown" });
  const writes: Ask[] = [
    () => partner.send("POST", "/customers", { email: "lost@x.example" }),
    safe,
    () => partner.send("PATCH", path, { name: `Changed ${++names}` }),
  ];

  async function expectRefused(asks: Ask[]): Promise<void> {
    await Promise.all(
      asks.map(async (ask) => {
        const { status, headers } = await timed(answerTimes, ask());
        expect([status, headers.get("Retry-After")]).toEqual([503, "1"]);
      }),
    );
  }

  return {
    expectRefused,
    server,
    reads,
    writes,
    withUnknownKey,
    async expectUnavailable(refused, served = [], { milliseconds = 2_400, staysReady = false } = {}) {
      const failedAt = performance.now();
      const sent: Promise<void>[] = [];
      let isReady = true;
      while (performance.now() - failedAt < milliseconds) {
        sent.push(expectRefused([...refused, ...refused]));
        for (const ask of served)
          sent.push(timed(answerTimes, ask()).then(({ status }) => expect(status).toBeLessThan(300)));
        const health = timed(answerTimes, server.fetch("/healthz"));
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
      expect(Math.max(...readinessTimes)).toBeLessThan(readinessMilliseconds);
    },
    async expectRecovery() {
      const repairedAt = performance.now();
      const statuses = new Set<number>();
      for (const ask of [...reads, writes[2] as Ask, () => server.fetch("/readyz")]) {
        let status: number;
        do {
          status = (await ask()).status;
          statuses.add(status);
          if (status !== 200) await sleep(20);
        } while (status !== 200 && performance.now() - repairedAt < recoveryMilliseconds);
      }
      const recovery = performance.now() - repairedAt;
      expect([...statuses].filter((status) => status !== 200 && status !== 503)).toEqual([]);
      expect(recovery).toBeLessThan(recoveryMilliseconds);
      expect((await withUnknownKey()).status).toBe(401);
      // The same request again: whether the first came through or not, there is one customer.
      const again = (await safe()) as ParsedResponse;
      expect(again.status).toBe(201);
      const found = await partner.send("GET", "/customers?search=safe@x.example");
      expect(found.body.data).toEqual([again.body.data]);
      expect((await partner.send("GET", "/customers?search=kept@")).body.data).toHaveLength(1);

      expect(Math.max(...answerTimes)).toBeLessThan(answerMilliseconds);
      addFigure(name, `${answerTimes.length} answers within`, timesOf(answerTimes), "2000 ms");
      if (readinessTimes.length > 0)
        addFigure(name, "/readyz is 503 within", timesOf(readinessTimes), "1000 ms");
      addFigure(name, "recovered within", timesOf([recovery]), "2000 ms");
    },
    async load(isOver) {
      const statuses = new Set<number>();
      const clients = [...reads, ...reads, ...writes.slice(1)].map(async (ask) => {
        while (!isOver()) statuses.add((await timed(answerTimes, ask())).status);
      });
      await Promise.all(clients);
      return [...statuses].sort();
    },
  };
}
