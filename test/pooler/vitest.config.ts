import { defineConfig } from "vitest/config";
import { sharedConfig } from "../support/sharedConfig.ts";

/** `npm run test:pooler`: the tests over HTTP through Debian's PgBouncer, and tests of behavior that is specific to it. */
export default defineConfig({
  test: {
    ...sharedConfig,
    name: "PgBouncer",
    include: ["test/http/*.test.ts", "test/pooler/*.test.ts"],
    globalSetup: ["test/pooler/pgbouncer.ts"],
    env: { TEST_ENGINE: "postgres", DATABASE_POOLER: "transaction" },
    maxWorkers: 4,
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
