import { defineConfig } from "vitest/config";

/** They start servers and commands as processes, or outages: `npm run test:processes`. */
const processes = [
  "test/arguments.test.ts",
  "test/backup.test.ts",
  "test/breaking.test.ts",
  "test/commandLine.test.ts",
  "test/contractCommand.test.ts",
  "test/durability.test.ts",
  "test/gate.test.ts",
  "test/keys.test.ts",
  "test/package.test.ts",
  "test/parity.test.ts",
  "test/plans.test.ts",
  "test/process.test.ts",
  "test/readme.test.ts",
  "test/release.test.ts",
  "test/samples.test.ts",
  "test/sandbox.test.ts",
  "test/writeAccess.test.ts",
];
/** As these do, but on either engine. */
const processesOfEngine = [
  "test/commands.test.ts",
  "test/metrics.test.ts",
  "test/tracing.test.ts",
  "test/upgrade.test.ts",
  "test/workers.test.ts",
];
/** About several processes, whose rate limit only PostgreSQL shares. */
const postgresOnly = ["test/cluster.test.ts"];
const allProcesses = [...processes, ...processesOfEngine, ...postgresOnly];

const shared = { include: ["test/*.test.ts"], testTimeout: 30_000, hookTimeout: 60_000 };
const typecheck = { enabled: true, tsconfig: "test/tsconfig.json", include: ["test/*.test-d.ts"] };
const sqlite = { TEST_ENGINE: "sqlite" };
const postgres = { TEST_ENGINE: "postgres" };

/** `npm test` runs every file of HTTP on both engines; `createDatabase` looks at TEST_ENGINE. */
export const httpProjects = [
  { test: { ...shared, name: "sqlite", exclude: allProcesses, env: sqlite, typecheck } },
  { test: { ...shared, name: "postgres", exclude: allProcesses, env: postgres } },
];

export default defineConfig({
  test: {
    // Many tests wait, for a lock, a timeout or a process: one worker would leave a core idle.
    maxWorkers: 4,
    // Every project is given its PostgreSQL.
    globalSetup: ["test/postgres.ts"],
    projects: [
      ...httpProjects,
      {
        test: {
          ...shared,
          name: "processes",
          include: [...processes, ...processesOfEngine],
          env: sqlite,
        },
      },
      {
        test: {
          ...shared,
          name: "processes on PostgreSQL",
          include: [...processesOfEngine, ...postgresOnly],
          env: postgres,
        },
      },
    ],
  },
});
