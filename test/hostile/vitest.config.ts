import { defineConfig } from "vitest/config";
import { sharedConfig } from "../support/sharedConfig.ts";

/** Tests of what happens before any query, or that measure one engine. */
const sqliteOnly = [
  "endlessInput",
  "headerFields",
  "largeBodies",
  "manyConnections",
  "memory",
  "slow",
  "slowReaders",
  "smuggling",
  "tinyChunks",
].map((name) => `test/hostile/${name}.test.ts`);

/** `npm run test:hostile`, or `npm run test:hostile -- --mode short` for the short form that CI runs. */
export default defineConfig(({ mode }) => {
  const shared = {
    ...sharedConfig,
    include: ["test/hostile/*.test.ts"],
    testTimeout: 3_600_000,
    hookTimeout: 60_000,
  };
  const form = { HOSTILE_FORM: mode === "short" ? "short" : "full" };
  return {
    test: {
      // They measure times: one at a time, so that none slows another.
      maxWorkers: 1,
      globalSetup: ["test/support/postgres.ts", "test/support/figures.ts"],
      projects: [
        { test: { ...shared, name: "hostile on SQLite", env: { ...form, TEST_ENGINE: "sqlite" } } },
        {
          test: {
            ...shared,
            name: "hostile on PostgreSQL",
            exclude: sqliteOnly,
            env: { ...form, TEST_ENGINE: "postgres" },
          },
        },
      ],
    },
  };
});
