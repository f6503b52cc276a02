import { defineConfig } from "vitest/config";
import { sharedConfig } from "../support/sharedConfig.ts";

/** `npm run test:browser`, or `npm run test:browser -- --mode short` for the short form that CI runs. */
export default defineConfig(({ mode }) => ({
  test: {
    ...sharedConfig,
    name: "browser",
    include: ["test/browser/*.test.ts"],
    globalSetup: ["test/browser/chromium.ts"],
    env: { TEST_ENGINE: "sqlite", BROWSER_FORM: mode === "short" ? "short" : "full" },
    maxWorkers: 2,
    testTimeout: 180_000,
    hookTimeout: 120_000,
  },
}));
