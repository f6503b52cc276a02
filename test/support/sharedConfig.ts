/** What the configuration of every suite has in common. */
export const sharedConfig = {
  setupFiles: ["test/support/expectedNode.mjs", "test/support/titles.ts"],
  // Vitest's one second is short on a machine that does other work too.
  expect: { poll: { timeout: 20_000 } },
};
