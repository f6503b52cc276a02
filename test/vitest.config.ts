import { defineConfig } from "vitest/config";

/** They need both engines at once, or none, or ask nothing that engines could answer differently. */
const once = [
  "test/arguments.test.ts",
  "test/commandLine.test.ts",
  "test/contractCommand.test.ts",
  "test/drift.test.ts",
  "test/durability.test.ts",
  "test/gate.test.ts",
  "test/keys.test.ts",
  "test/parity.test.ts",
  "test/plans.test.ts",
  "test/process.test.ts",
  "test/readme.test.ts",
];
/** About several processes and a server that fails, which only PostgreSQL has. */
const postgresOnly = ["test/cluster.test.ts", "test/outage.test.ts"];

const shared = { include: ["test/*.test.ts"], testTimeout: 30_000, hookTimeout: 60_000 };
const typecheck = { enabled: true, tsconfig: "test/tsconfig.json", include: ["test/*.test-d.ts"] };
const sqlite = { TEST_ENGINE: "sqlite" };
const postgres = { TEST_ENGINE: "postgres" };

/** The other files run on both engines; `createDatabase` looks at TEST_ENGINE. */
export default defineConfig({
  test: {
    // Many tests wait, for a lock, a timeout or a process: one worker would leave a core idle.
    maxWorkers: 4,
    // Every project is given its PostgreSQL.
    globalSetup: ["test/postgres.ts"],
    projects: [
      { test: { ...shared, name: "once", include: once, env: sqlite, typecheck } },
      { test: { ...shared, name: "sqlite", exclude: [...once, ...postgresOnly], env: sqlite } },
      { test: { ...shared, name: "postgres", exclude: once, env: postgres } },
    ],
  },
});
