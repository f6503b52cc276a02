/** Somebody who guesses keys. */
import { randomBytes } from "node:crypto";
import { expect, it } from "vitest";
import { addFigure, percentile } from "../support/figures.ts";
import { startServer } from "../support/server.ts";
import { Caller, sendAll } from "./caller.ts";
import { count } from "./counts.ts";

const requestsPerMinute = 600;

it("ten thousand wrong keys from one address meet 429, and nobody else is disturbed", async () => {
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
    // From the same address and from another, each as often as its limit lets it.
    const others = [neighbour, stranger].map(async (caller, index) => {
      for (let sent = 0; !isOver && sent < 5 * requestsPerMinute; sent += 1) {
        const sentAt = performance.now();
        const { key } = partners[index * 5 + (sent % 5)] as { key: string };
        statuses.push((await caller.send(read(key))).status);
        milliseconds.push(performance.now() - sentAt);
      }
    });
    const answers = (await guesses).map(({ status }) => status);
    isOver = true;
    await Promise.all(others);
    const minutes = Math.ceil((performance.now() - startedAt) / 60_000);

    const refused = answers.filter((status) => status === 401).length;
    const limited = answers.filter((status) => status === 429).length;
    const test = "guessing of keys";
    addFigure(
      test,
      "wrong keys from one address; answered 401, 429",
      `${answers.length}; ${refused}, ${limited}`,
    );
    addFigure(test, "requests of others meanwhile; not answered 200", `${statuses.length}; 0`, "0");
    addFigure(test, "99th percentile of the others", `${percentile(milliseconds, 0.99).toFixed(1)} ms`);
    expect(refused + limited).toBe(answers.length);
    // A tenth of the rate limit in each minute that has begun, and one more where the count's minute began within.
    expect(refused).toBeGreaterThanOrEqual(requestsPerMinute / 10);
    expect(refused).toBeLessThanOrEqual((requestsPerMinute / 10) * (minutes + 1));
    expect(new Set(statuses)).toEqual(new Set([200]));
    // Another address may still be wrong, and is told so.
    expect((await stranger.send(guess())).status).toBe(401);
    expect((await neighbour.send(guess())).status).toBe(429);
  } finally {
    for (const caller of [...guessing, neighbour, stranger]) caller.close();
    await server.stop();
  }
});
