import { defineConfig } from "vitest/config";
import { sharedConfig } from "./support/sharedConfig.ts";

const common = { ...sharedConfig, testTimeout: 30_000, hookTimeout: 60_000 };
const typecheck = { enabled: true, tsconfig: "test/tsconfig.json", include: ["test/contract/*.test-d.ts"] };
const sqlite = { TEST_ENGINE: "sqlite" };
const postgres = { TEST_ENGINE: "postgres" };

/**
 * Tests over HTTP: `npm test` runs each on both engines; TEST_ENGINE selects the one that `createDatabase` uses. The
 * files of a worker share their modules: loading them for each file would take a third of the time.
 */
const include = ["test/http/*.test.ts", "test/contract/*.test.ts"];
const shared = { ...common, include, isolate: false };
/** These set the clock, which later IDs depend on, so each file has its own process. */
const isolated = { ...common, include: ["test/clock/*.test.ts"] };
export const httpProjects = [
  // The client does not depend on the engine.
  {
    test: {
      ...shared,
      name: "sqlite",
      include: [...include, "test/client/*.test.ts"],
      env: sqlite,
      typecheck,
    },
  },
  { test: { ...shared, name: "postgres", env: postgres } },
  { test: { ...isolated, name: "sqlite, clock", env: sqlite } },
  { test: { ...isolated, name: "postgres, clock", env: postgres } },
];

/** Servers and commands as processes of their own: `npm run test:processes`. */
const processesOfEither = "test/processes/bothEngines/*.test.ts";

export default defineConfig({
  test: {
    // Many tests wait, for a lock, a timeout or a process: one worker would leave a core idle.
    maxWorkers: 4,
    // One PostgreSQL for all projects.
    globalSetup: ["test/support/postgres.ts"],
    projects: [
      ...httpProjects,
      {
        test: {
          ...common,
          name: "processes",
          include: ["test/processes/*.test.ts", "test/engines/*.test.ts", processesOfEither],
          env: sqlite,
        },
      },
      {
        test: {
          ...common,
          name: "processes on PostgreSQL",
          include: [processesOfEither, "test/processes/postgres/*.test.ts"],
          env: postgres,
        },
      },
    ],
  },
});
