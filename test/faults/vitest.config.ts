import { defineConfig } from "vitest/config";
import { sharedConfig } from "../support/sharedConfig.ts";

/** Tests of SQLite only. */
const sqliteOnly = ["test/faults/powerLoss.test.ts", "test/faults/sqlite.test.ts"];
const postgresOnly = ["test/faults/postgres.test.ts", "test/faults/failover.test.ts"];

/** `npm run test:faults`, or `npm run test:faults -- --mode short` for the short run of CI. */
export default defineConfig(({ mode }) => {
  const shared = {
    ...sharedConfig,
    include: ["test/faults/*.test.ts"],
    testTimeout: 3_600_000,
    hookTimeout: 60_000,
  };
  const form = { FAULTS_FORM: mode === "short" ? "short" : "full" };
  return {
    test: {
      // They measure times, so they run one after the other.
      maxWorkers: 1,
      globalSetup: ["test/support/postgres.ts", "test/support/figures.ts"],
      projects: [
        {
          test: {
            ...shared,
            name: "faults on SQLite",
            exclude: postgresOnly,
            env: { ...form, TEST_ENGINE: "sqlite" },
          },
        },
        {
          test: {
            ...shared,
            name: "faults on PostgreSQL",
            exclude: sqliteOnly,
            env: { ...form, TEST_ENGINE: "postgres" },
          },
        },
      ],
    },
  };
});
