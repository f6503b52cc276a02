/** The HTTP suite, on both engines, with Prism in front of every server. */
import { defineConfig } from "vitest/config";
import suite, { httpProjects } from "../vitest.config.ts";

export default defineConfig({
  test: {
    ...suite.test,
    projects: httpProjects.map(({ test }) => ({
      test: {
        ...test,
        typecheck: { enabled: false },
        setupFiles: ["test/judges/proxy.ts"],
        // Each request may pass through Prism twice.
        testTimeout: 120_000,
        // driftCheck's servers violate the contract on purpose. mounting's host applications send their own responses
        // (404, 403, compressed bodies), which the contract does not describe.
        exclude: ["test/http/driftCheck.test.ts", "test/http/mounting.test.ts"],
      },
    })),
  },
});
