import { defineConfig } from "vitest/config";

/** Needs both engines at once, or neither more than the other. */
const once = ["test/parity.test.ts", "test/plans.test.ts", "test/arguments.test.ts"];
/** About several processes and a server that fails, which only PostgreSQL has. */
const postgresOnly = ["test/cluster.test.ts", "test/outage.test.ts"];

const shared = { include: ["test/*.test.ts"], testTimeout: 30_000, hookTimeout: 60_000 };
const typecheck = { enabled: true, tsconfig: "test/tsconfig.json", include: ["test/*.test-d.ts"] };

/** The same files on both engines; `createDatabase` looks at TEST_ENGINE. */
export default defineConfig({
  test: {
    // Every project is given its PostgreSQL.
    globalSetup: ["test/postgres.ts"],
    projects: [
      {
        test: {
          ...shared,
          name: "sqlite",
          env: { TEST_ENGINE: "sqlite" },
          exclude: [...once, ...postgresOnly],
          typecheck,
        },
      },
      { test: { ...shared, name: "postgres", env: { TEST_ENGINE: "postgres" }, exclude: once } },
      { test: { ...shared, name: "both", include: once } },
    ],
  },
});
