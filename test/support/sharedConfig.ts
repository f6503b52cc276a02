/** The common configuration of all suites. */
export const sharedConfig = {
  setupFiles: ["test/support/expectedNode.mjs", "test/support/titles.ts"],
  // Vitest's default of one second is too short on a machine that does other work.
  expect: { poll: { timeout: 20_000 } },
};
