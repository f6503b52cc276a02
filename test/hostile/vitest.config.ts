import { defineConfig } from "vitest/config";

/** What happens before a database is asked, or is measured on one engine. */
const sqliteOnly = ["headerFields", "memory", "slow", "slowReaders", "smuggling"].map(
  (name) => `test/hostile/${name}.test.ts`,
);

/** `npm run test:hostile`, or `npm run test:hostile -- --mode short` for the form of the gate. */
export default defineConfig(({ mode }) => {
  const shared = { include: ["test/hostile/*.test.ts"], testTimeout: 3_600_000, hookTimeout: 60_000 };
  const form = { HOSTILE_FORM: mode === "short" ? "short" : "full" };
  return {
    test: {
      // They measure times: one after the other, so that none is slowed by another.
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
