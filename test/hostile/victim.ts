/** A client with a valid key, whose requests must not suffer from an attack. */
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import { addFigure, percentile } from "../support/figures.ts";
import { Caller } from "./caller.ts";

/** The longest 99th percentile, in milliseconds, that a test accepts. */
const maxMilliseconds = 1_000;

/**
 * Sends ten lists a second with a valid key during an attack; fails if the status of one is not 200, or if their 99th
 * percentile exceeds the limit.
 * @param attack resolves when it is over
 */
export async function measureVictim(
  title: string,
  { port, key }: { port: number; key: string },
  attack: () => Promise<unknown>,
): Promise<void> {
  const caller = new Caller(port);
  const headers = { Authorization: `Bearer ${key}` };
  const request = { method: "GET", target: "/api/v1/customers", headers };
  await caller.send(request);
  const latencies: number[] = [];
  const statuses = new Set<number>();
  let isOver = false;
  async function sendOne(): Promise<void> {
    const own = new Caller(port);
    const startedAt = performance.now();
    const { status } = await own.send(request);
    latencies.push(performance.now() - startedAt);
    statuses.add(status);
    own.close();
  }
  const attacked = attack().finally(() => (isOver = true));
  const sent: Promise<void>[] = [];
  // Without waiting for the response to the previous one.
  while (!isOver || sent.length < 20) {
    sent.push(sendOne());
    await sleep(100);
  }
  await attacked;
  await Promise.all(sent);
  caller.close();
  const p99 = percentile(latencies, 0.99);
  addFigure(title, "99th percentile of another client", `${p99.toFixed(0)} ms`, `${maxMilliseconds} ms`);
  expect([...statuses]).toEqual([200]);
  expect(p99).toBeLessThan(maxMilliseconds);
}
