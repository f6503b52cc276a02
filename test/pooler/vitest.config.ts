import { defineConfig } from "vitest/config";
import { sharedConfig } from "../support/sharedConfig.ts";

/** Tests of what happens before any query. */
const withoutQueries = [
  "bodies",
  "connections",
  "contractCheck",
  "driftCheck",
  "expectContinue",
  "mounting",
  "proxiesAndOrigins",
  "publicUrl",
  "readBody",
  "readTimeouts",
  "requests",
  "validation",
].map((name) => `test/http/${name}.test.ts`);

/**
 * `npm run test:pooler`: the tests over HTTP through Debian's PgBouncer, and tests of behavior that is specific to it.
 * With `-- --mode short`, as CI runs it, only those that query the database.
 */
export default defineConfig(({ mode }) => ({
  test: {
    ...sharedConfig,
    name: "PgBouncer",
    include: ["test/http/*.test.ts", "test/clock/serverClock.test.ts", "test/pooler/*.test.ts"],
    exclude: mode === "short" ? withoutQueries : [],
    globalSetup: ["test/pooler/pgbouncer.ts"],
    env: { TEST_ENGINE: "postgres", DATABASE_POOLER: "transaction" },
    maxWorkers: 4,
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
}));
