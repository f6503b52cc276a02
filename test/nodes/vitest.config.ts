/**
 * `npm run test:nodes`; or `npm run test:nodes -- --mode short` with a few files on each version, and without the
 * installation, with which CI itself begins.
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
