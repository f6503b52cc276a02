// One file at a time: MUTATED_FILE, as run.ts sets it.
const file = process.env.MUTATED_FILE ?? "";

export default {
  testRunner: "vitest",
  vitest: { configFile: "test/mutation/vitest.config.ts", related: false },
  plugins: ["@stryker-mutator/vitest-runner"],
  mutate: [file],
  // Only what has changed since the last run is tested again.
  incremental: true,
  incrementalFile: `test/mutation/reports/${file.replaceAll("/", "-")}.json`,
  // Otherwise Stryker would also add comments to docs.html, and change the page.
  disableTypeChecks: false,
  reporters: ["progress-append-only"],
  tempDirName: "test/mutation/sandbox",
  ignorePatterns: ["test/*/node_modules", "test/mutation/reports", "test/bench", "data"],
  // Each test waits for real sockets and disks: several at once would slow each other down to a timeout.
  concurrency: 1,
  timeoutMS: 10_000,
  allowConsoleColors: false,
};
