import { defineConfig } from "vitest/config";
import { sharedConfig } from "../support/sharedConfig.ts";

/** What happens before any query: in the short form, only on SQLite. */
const sqliteInShortForm = [
  "endlessInput",
  "largeBodies",
  "manyConnections",
  "pipelinedMethods",
  "slow",
  "tinyChunks",
];
/** Measures the heap for a long time. */
const sqliteOnly = ["memory"];

/** `npm run test:hostile`, or `npm run test:hostile -- --mode short` for the short form that CI runs. */
export default defineConfig(({ mode }) => {
  const shared = {
    ...sharedConfig,
    include: ["test/hostile/*.test.ts"],
    testTimeout: 3_600_000,
    hookTimeout: 60_000,
  };
  const isShort = mode === "short";
  const excluded = isShort ? [...sqliteOnly, ...sqliteInShortForm] : sqliteOnly;
  const form = { HOSTILE_FORM: isShort ? "short" : "full" };
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
            exclude: excluded.map((name) => `test/hostile/${name}.test.ts`),
            env: { ...form, TEST_ENGINE: "postgres" },
          },
        },
      ],
    },
  };
});
