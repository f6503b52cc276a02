/** What only a browser can tell. */
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    name: "browser",
    include: ["test/browser/*.test.ts"],
    globalSetup: ["test/browser/chromium.ts"],
    env: { TEST_ENGINE: "sqlite" },
    maxWorkers: 1,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
