/** Guessing API keys. */
import { randomBytes } from "node:crypto";
import { expect, it } from "vitest";
import { addFigure, percentile } from "../support/figures.ts";
import { startServer } from "../support/server.ts";
import { Caller, sendAll } from "./caller.ts";
import { count } from "./counts.ts";

const requestsPerMinute = 600;

it("authenticate: thousands of invalid keys from one address → 429, others get 200", async () => {
  const server = await startServer({ requestsPerMinute });
  const read = (key: string) => ({
    method: "GET",
    target: "/api/v1/customers",
    headers: { Authorization: `Bearer ${key}` },
  });
  const guess = () => read(`dk_${randomBytes(32).toString("base64url")}`);
  const guessing = Array.from({ length: 8 }, () => new Caller(server.port, "127.0.0.1"));
  const neighbour = new Caller(server.port, "127.0.0.1");
  const stranger = new Caller(server.port, "127.0.0.2");
  const partners = await Promise.all(Array.from({ length: 10 }, () => server.partner()));
  // A key that the server has never seen live would be rejected like a guessed one.
  for (const { key } of partners) await stranger.send(read(key));
  try {
    const startedAt = performance.now();
    const guesses = sendAll(guessing, Array.from({ length: count("WRONG_KEYS") }, guess));
    let isOver = false;
    const statuses: number[] = [];
    const milliseconds: number[] = [];
    // From the same address and from another, each as often as its rate limit allows.
    const others = [neighbour, stranger].map(async (caller, index) => {
      for (let sent = 0; !isOver && sent < 5 * requestsPerMinute; sent += 1) {
        const sentAt = performance.now();
        const { key } = partners[index * 5 + (sent % 5)] as { key: string };
        statuses.push((await caller.send(read(key))).status);
        milliseconds.push(performance.now() - sentAt);
      }
    });
    const guessed = (await guesses).map(({ status }) => status);
    isOver = true;
    await Promise.all(others);
    const minutes = Math.ceil((performance.now() - startedAt) / 60_000);

    const rejected = guessed.filter((status) => status === 401).length;
    const limited = guessed.filter((status) => status === 429).length;
    const test = "guessing keys";
    addFigure(
      test,
      "invalid keys from one address; of these 401, 429",
      `${guessed.length}; ${rejected}, ${limited}`,
    );
    addFigure(test, "requests of others meanwhile; of these not 200", `${statuses.length}; 0`, "0");
    addFigure(test, "99th percentile of the others", `${percentile(milliseconds, 0.99).toFixed(1)} ms`);
    expect(rejected + limited).toBe(guessed.length);
    // A tenth of the rate limit a minute; the server's minutes may begin at another second than those counted here.
    expect(rejected).toBeGreaterThanOrEqual(requestsPerMinute / 10);
    expect(rejected).toBeLessThanOrEqual((requestsPerMinute / 10) * (minutes + 1));
    expect(new Set(statuses)).toEqual(new Set([200]));
    // Another address may still send an invalid key, and gets 401.
    expect((await stranger.send(guess())).status).toBe(401);
    expect((await neighbour.send(guess())).status).toBe(429);
  } finally {
    for (const caller of [...guessing, neighbour, stranger]) caller.close();
    await server.stop();
  }
});
