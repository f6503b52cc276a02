/** Tests that need a browser. */
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    name: "browser",
    include: ["test/browser/*.test.ts"],
    setupFiles: ["test/support/titles.ts"],
    globalSetup: ["test/browser/chromium.ts"],
    env: { TEST_ENGINE: "sqlite" },
    maxWorkers: 1,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
