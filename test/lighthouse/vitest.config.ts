/** `npm run test:lighthouse`, the median of five runs; or with `-- --mode short` one run, for CI. */
import { defineConfig } from "vitest/config";
import { sharedConfig } from "../support/sharedConfig.ts";

export default defineConfig(({ mode }) => ({
  test: {
    ...sharedConfig,
    name: "lighthouse",
    include: ["test/lighthouse/*.test.ts"],
    globalSetup: ["test/browser/chromium.ts", "test/support/figures.ts"],
    env: { LIGHTHOUSE_RUNS: mode === "short" ? "1" : "5" },
    testTimeout: 600_000,
  },
}));
