/**
 * `npm run test:nodes`, or the short form of CI, `npm run test:nodes -- --mode short`: a few files on each version,
 * without the installation, which CI itself starts with.
 */
import { defineConfig } from "vitest/config";
import { sharedConfig } from "../support/sharedConfig.ts";

export default defineConfig(({ mode }) => ({
  test: {
    ...sharedConfig,
    name: "nodes",
    include: ["test/nodes/*.test.ts"],
    exclude: mode === "short" ? ["test/nodes/install.test.ts"] : [],
    env: { NODES_FORM: mode === "short" ? "short" : "full" },
    // Each of them keeps all cores busy.
    maxWorkers: 1,
    testTimeout: 1_800_000,
    hookTimeout: 300_000,
  },
}));
