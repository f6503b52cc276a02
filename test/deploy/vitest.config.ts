/** Tests that need the programs of a deployment. */
import { defineConfig } from "vitest/config";
import { sharedConfig } from "../support/sharedConfig.ts";

export default defineConfig({
  test: {
    ...sharedConfig,
    name: "deploy",
    include: ["test/deploy/*.test.ts"],
    globalSetup: ["test/deploy/programs.ts"],
    env: { TEST_ENGINE: "sqlite" },
    maxWorkers: 2,
    testTimeout: 180_000,
    // Building an image takes long.
    hookTimeout: 1_800_000,
  },
});
