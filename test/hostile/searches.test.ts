/** The most expensive searches of one company, ten a second and in bursts: other companies are served. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it, onTestFinished } from "vitest";
import { createTemporaryDatabase } from "../support/databases.ts";
import { addFigure, percentile } from "../support/figures.ts";
import { createKeyByCommand, runCommand, spawnServer } from "../support/processes.ts";
import { temporaryFolder } from "../support/temporaryFolder.ts";
import { Caller } from "./caller.ts";
import { count } from "./counts.ts";
import { measureVictim } from "./victim.ts";

/** Terms without a match: shorter than a trigram, of common letters, of common words, and almost a common one. */
const terms = ["zq", "xx", "q", "customer number without", "example.commercial"];

async function startSearched() {
  const DATABASE_URL = await createTemporaryDatabase();
  const key = await createKeyByCommand(DATABASE_URL);
  const { path, remove } = temporaryFolder();
  onTestFinished(remove);
  const file = join(path, "customers.csv");
  const rows = Array.from(
    { length: count("SEARCHED_CUSTOMERS") },
    (_, index) => `person${index}@shop.example.com,Customer number ${index} with a name`,
  );
  writeFileSync(file, ["email,name", ...rows, ""].join("\n"));
  const imported = await runCommand(["import", "--company", "acme", file], { DATABASE_URL });
  expect(imported.code, imported.stderr).toBe(0);
  const { stdout } = await runCommand(
    ["keys", "create", "--company", "victim", "--scopes", "customers:read"],
    { DATABASE_URL },
  );
  const server = await spawnServer({ DATABASE_URL, RATE_LIMIT_PER_MINUTE: "100000" });
  return { server, key, victim: { port: server.port, key: stdout.trim() } };
}

it.each([
  ["ten a second", 1],
  ["in bursts of fifty", 50],
] as const)("searches: expensive ones of one company, %s → others are served", async (form, burst) => {
  const { server, key, victim } = await startSearched();
  const statuses: number[] = [];
  const milliseconds: number[] = [];
  async function search(index: number): Promise<void> {
    const caller = new Caller(server.port);
    const startedAt = performance.now();
    const target = `/api/v1/customers?search=${encodeURIComponent(terms[index % terms.length] as string)}`;
    const { status } = await caller.send({
      method: "GET",
      target,
      headers: { Authorization: `Bearer ${key}` },
    });
    statuses.push(status);
    milliseconds.push(performance.now() - startedAt);
    caller.close();
  }
  const title = `Expensive searches of one company, ${form}`;
  await measureVictim(title, victim, async () => {
    const sent: Promise<void>[] = [];
    for (let index = 0; index < count("SEARCHES"); index++) {
      sent.push(search(index));
      if ((index + 1) % burst === 0) await sleep(100 * burst);
    }
    await Promise.all(sent);
  });
  const rejected = statuses.filter((status) => status === 503).length;
  addFigure(title, "searches; of these 503", `${statuses.length}; ${rejected}`);
  addFigure(title, "median of a search", `${percentile(milliseconds, 0.5).toFixed(0)} ms`);
  expect(statuses.filter((status) => status !== 200 && status !== 503)).toEqual([]);
  expect(server.process.exitCode).toBeNull();
});
