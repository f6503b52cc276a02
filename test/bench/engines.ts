/** New databases of each engine, for the benchmarks that ask both. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createTestDatabase, startPostgres } from "../support/postgres.ts";

export const engines = ["sqlite", "postgres"] as const;
export type Engine = (typeof engines)[number];

/** Makes databases of one engine. `stop` ends the PostgreSQL that it has started. */
export async function startEngine(engine: Engine) {
  if (engine === "postgres") {
    const server = await startPostgres();
    return { createDatabase: () => createTestDatabase(server.url), stop: server.stop };
  }
  return {
    async createDatabase() {
      const folder = mkdtempSync(join(tmpdir(), "distribu-bench-"));
      return {
        url: `sqlite:${join(folder, "bench.db")}`,
        drop: async () => rmSync(folder, { recursive: true, force: true }),
      };
    },
    stop: async () => {},
  };
}

/** The engines that an option names. */
export function enginesOf(option: string): Engine[] {
  const names = option.split(",");
  const unknown = names.find((name) => !(engines as readonly string[]).includes(name));
  if (unknown !== undefined)
    throw new Error(`There is no engine ${unknown}; there are ${engines.join(", ")}`);
  return names as Engine[];
}
