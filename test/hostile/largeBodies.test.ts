/** The bodies that take longest to parse and validate, many at once: other companies are served in between. */
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { createTemporaryDatabase } from "../support/databases.ts";
import { addFigure, percentile } from "../support/figures.ts";
import { createKeyByCommand, runCommand, spawnServer } from "../support/processes.ts";
import { Caller } from "./caller.ts";
import { count } from "./counts.ts";
import { measureVictim } from "./victim.ts";

const burst = count("LARGE_BODIES_AT_ONCE");

/** Text of about 60 KB: nested arrays, and unknown fields, each of which is an error of the validator. */
const bodies = [
  `{"email":${"[".repeat(30_000)}${"]".repeat(30_000)}}`,
  `{${Array.from({ length: 6_000 }, (_, index) => `"k${index}":1`).join()}}`,
].map((text) => Buffer.from(text));

/** A valid one that is also large: its text is mostly spaces. */
const largeBody = (email: string) => Buffer.from(`{"email":"${email}"${" ".repeat(9_000)}}`);

it("large bodies: bursts of one company → others are served, also large bodies", async () => {
  const DATABASE_URL = await createTemporaryDatabase();
  const key = await createKeyByCommand(DATABASE_URL);
  const scopes = "customers:read,customers:write";
  const { stdout } = await runCommand(["keys", "create", "--company", "victim", "--scopes", scopes], {
    DATABASE_URL,
  });
  const victim = stdout.trim();
  const { port, process } = await spawnServer({ DATABASE_URL, RATE_LIMIT_PER_MINUTE: "100000" });
  const callers = Array.from({ length: burst }, () => new Caller(port));
  const create = (caller: Caller, by: string, body: Buffer) =>
    caller.send({
      method: "POST",
      target: "/api/v1/customers",
      headers: { Authorization: `Bearer ${by}`, "Content-Type": "application/json" },
      body,
    });
  const statuses: number[] = [];
  const times: number[] = [];
  let isOver = false;
  async function createLarge(): Promise<void> {
    const caller = new Caller(port);
    for (let number = 0; !isOver; number++) {
      const startedAt = performance.now();
      expect((await create(caller, victim, largeBody(`${number}@victim.example`))).status).toBe(201);
      times.push(performance.now() - startedAt);
      await sleep(100);
    }
    caller.close();
  }
  const title = `Large bodies of one company, ${burst} at once`;
  await measureVictim(title, { port, key: victim }, async () => {
    const creating = createLarge();
    while (statuses.length < count("LARGE_BODIES")) {
      const sent = callers.map((caller, index) => create(caller, key, bodies[index % 2] as Buffer));
      for (const { status } of await Promise.all(sent)) statuses.push(status);
      await sleep(100);
    }
    isOver = true;
    await creating;
  });
  for (const caller of callers) caller.close();
  const p99 = percentile(times, 0.99);
  addFigure(title, "99th percentile of a large body of another", `${p99.toFixed(0)} ms`, "1000 ms");
  addFigure(title, "bodies", String(statuses.length));
  expect(p99).toBeLessThan(1_000);
  expect(statuses.filter((status) => status !== 400 && status !== 503)).toEqual([]);
  expect(process.exitCode).toBeNull();
});
