import { defineConfig } from "vitest/config";

const shared = { include: ["test/*.test.ts"], testTimeout: 30_000, hookTimeout: 60_000 };
const typecheck = { enabled: true, tsconfig: "test/tsconfig.json", include: ["test/*.test-d.ts"] };

/** They ask no database, or ask it nothing that engines could answer differently: once is enough. */
const withoutEngine = ["test/commandLine.test.ts", "test/process.test.ts", "test/readme.test.ts"];

/** The same files on both engines; `startServer` looks at TEST_ENGINE. */
export default defineConfig({
  test: {
    projects: [
      { test: { ...shared, name: "sqlite", env: { TEST_ENGINE: "sqlite" }, typecheck } },
      {
        test: {
          ...shared,
          name: "postgres",
          exclude: withoutEngine,
          env: { TEST_ENGINE: "postgres" },
          globalSetup: ["test/postgres.ts"],
        },
      },
    ],
  },
});
