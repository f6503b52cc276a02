/** The engines, with new databases for the benchmarks that compare both. */
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createTestDatabase, execute, startPostgres } from "../support/postgres.ts";

export const engines = ["sqlite", "postgres"] as const;
export type Engine = (typeof engines)[number];

/** A database of a benchmark. */
export interface BenchDatabase {
  /** Its DATABASE_URL. */
  url: string;
  drop(): Promise<void>;
}

/** A running engine. */
export interface RunningEngine {
  createDatabase(): Promise<BenchDatabase>;
  /** Copies a database that has no connections. */
  copyDatabase(url: string): Promise<BenchDatabase>;
  /** PostgreSQL: the IDs of its current processes. */
  processIds(): number[];
  /** Stops PostgreSQL if it was started here, and deletes its data. */
  stop(): Promise<void>;
}

/**
 * Starts an engine.
 * @param parent the folder for SQLite's databases
 */
export async function startEngine(engine: Engine, parent = tmpdir()): Promise<RunningEngine> {
  if (engine === "postgres") {
    const server = await startPostgres();
    return {
      createDatabase: () => createTestDatabase(server.url),
      async copyDatabase(url) {
        const template = new URL(url).pathname.slice(1);
        const copy = await createTestDatabase(server.url, template);
        // Flushes the data to disk before the first measurement instead of during one.
        await execute(server.url, "checkpoint");
        return copy;
      },
      processIds: server.processIds,
      stop: server.remove,
    };
  }
  async function createDatabase() {
    const folder = mkdtempSync(join(parent, "distribu-bench-"));
    return {
      url: `sqlite:${join(folder, "bench.db")}`,
      drop: async () => rmSync(folder, { recursive: true, force: true }),
    };
  }
  return {
    createDatabase,
    async copyDatabase(url) {
      const copy = await createDatabase();
      copyFileSync(url.slice("sqlite:".length), copy.url.slice("sqlite:".length));
      return copy;
    },
    processIds: () => [],
    async stop() {},
  };
}

/** Parses an option that names engines. */
export function parseEngines(option: string): Engine[] {
  const names = option.split(",");
  const unknown = names.find((name) => !(engines as readonly string[]).includes(name));
  if (unknown !== undefined)
    throw new Error(`There is no engine ${unknown}; there are ${engines.join(", ")}`);
  return names as Engine[];
}
