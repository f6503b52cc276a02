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
        // Each request takes the way through Prism twice.
        testTimeout: 120_000,
        // Its servers are wrong on purpose, to see that our own check notices. Prism notices them too.
        exclude: ["test/http/driftCheck.test.ts"],
      },
    })),
  },
});
