/** Tests that need a browser. */
import { defineConfig } from "vitest/config";
import { sharedConfig } from "../support/sharedConfig.ts";

export default defineConfig({
  test: {
    ...sharedConfig,
    name: "browser",
    include: ["test/browser/*.test.ts"],
    globalSetup: ["test/browser/chromium.ts"],
    env: { TEST_ENGINE: "sqlite" },
    maxWorkers: 2,
    testTimeout: 180_000,
    hookTimeout: 120_000,
  },
});
