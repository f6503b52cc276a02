import { defineConfig } from "vitest/config";

const shared = { include: ["test/*.test.ts"], testTimeout: 30_000, hookTimeout: 60_000 };
const typecheck = { enabled: true, tsconfig: "test/tsconfig.json", include: ["test/*.test-d.ts"] };

/** The same files on both engines; `startServer` looks at TEST_ENGINE. */
export default defineConfig({
  test: {
    projects: [
      { test: { ...shared, name: "sqlite", env: { TEST_ENGINE: "sqlite" }, typecheck } },
      {
        test: {
          ...shared,
          name: "postgres",
          env: { TEST_ENGINE: "postgres" },
          globalSetup: ["test/postgres.ts"],
        },
      },
    ],
  },
});
