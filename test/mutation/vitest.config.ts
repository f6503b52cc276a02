/** The tests of the mutated file: on SQLite, and on PostgreSQL if the file has code for it. */
import { defineConfig } from "vitest/config";
import { httpProjects } from "../vitest.config.ts";
import { onBothEngines, testsOfFile } from "./files.ts";

const file = process.env.MUTATED_FILE ?? "";
const isOnBoth = onBothEngines.includes(file);

export default defineConfig({
  test: {
    // Stryker stops at the first test that fails.
    bail: 1,
    ...(isOnBoth && { globalSetup: ["test/support/postgres.ts"] }),
    projects: httpProjects.slice(0, isOnBoth ? 2 : 1).map(({ test }, engine) => ({
      test: {
        ...test,
        typecheck: { enabled: false },
        // The tests outside test/http choose their engine themselves.
        include: (testsOfFile[file] ?? []).filter((path) => engine === 0 || path.startsWith("test/http/")),
        // Many mutants fail only when a poll times out.
        expect: { poll: { timeout: 3_000 } },
      },
    })),
  },
});
