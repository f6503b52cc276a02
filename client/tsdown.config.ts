import { defineConfig } from "tsdown";

/** One file for each module system. It includes the contract's types, which are outside this folder. */
export default defineConfig({
  entry: "index.ts",
  format: ["esm", "cjs"],
  platform: "neutral",
  target: "es2022",
  dts: true,
  logLevel: "error",
  checks: { pluginTimings: false },
  outExtensions: ({ format }) =>
    format === "cjs" ? { js: ".cjs", dts: ".d.cts" } : { js: ".js", dts: ".d.ts" },
});
