import { defineConfig } from "vitest/config";
import { sharedConfig } from "./support/sharedConfig.ts";

const shared = { ...sharedConfig, testTimeout: 30_000, hookTimeout: 60_000 };
const typecheck = { enabled: true, tsconfig: "test/tsconfig.json", include: ["test/contract/*.test-d.ts"] };
const sqlite = { TEST_ENGINE: "sqlite" };
const postgres = { TEST_ENGINE: "postgres" };

/**
 * Tests over HTTP, in this process: `npm test` runs each on both engines; TEST_ENGINE selects the one that
 * `createDatabase` uses.
 */
const include = ["test/http/*.test.ts", "test/client/*.test.ts", "test/contract/*.test.ts"];
export const httpProjects = [
  { test: { ...shared, name: "sqlite", include, env: sqlite, typecheck } },
  { test: { ...shared, name: "postgres", include, env: postgres } },
];

/** Servers and commands as processes of their own: `npm run test:processes`. */
const processesOfEither = "test/processes/bothEngines/*.test.ts";

export default defineConfig({
  test: {
    // Many tests wait, for a lock, a timeout or a process: one worker would leave a core idle.
    maxWorkers: 4,
    // Every project gets its own PostgreSQL.
    globalSetup: ["test/support/postgres.ts"],
    projects: [
      ...httpProjects,
      {
        test: {
          ...shared,
          name: "processes",
          include: ["test/processes/*.test.ts", "test/engines/*.test.ts", processesOfEither],
          env: sqlite,
        },
      },
      {
        test: {
          ...shared,
          name: "processes on PostgreSQL",
          include: [processesOfEither, "test/processes/postgres/*.test.ts"],
          env: postgres,
        },
      },
    ],
  },
});
