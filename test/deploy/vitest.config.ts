/** What only the programs of a deployment can tell. */
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    name: "deploy",
    include: ["test/deploy/*.test.ts"],
    globalSetup: ["test/deploy/programs.ts"],
    env: { TEST_ENGINE: "sqlite" },
    maxWorkers: 2,
    testTimeout: 180_000,
    // An image is built.
    hookTimeout: 1_800_000,
  },
});
