/** The HTTP suite, with Prism in front of every server. */
import { mergeConfig } from "vitest/config";
import suite from "../vitest.config.ts";

export default mergeConfig(suite, {
  test: {
    setupFiles: ["test/judges/proxy.ts"],
    // Its servers are wrong on purpose, to see that our own check notices. Prism notices them too.
    exclude: ["test/drift.test.ts"],
  },
});
