import { defineConfig } from "tsdown";

/** A file for each module system, with the types of the contract in it, which lie outside this folder. */
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
