/** The tests of the mutated file, on SQLite. */
import { defineConfig } from "vitest/config";
import { httpProjects } from "../vitest.config.ts";
import { testsOfFile } from "./files.ts";

const [{ test: onSqlite }] = httpProjects as [(typeof httpProjects)[0]];

export default defineConfig({
  test: {
    ...onSqlite,
    typecheck: { enabled: false },
    include: testsOfFile[process.env.MUTATED_FILE ?? ""] ?? [],
    // Stryker stops at the first test that fails.
    bail: 1,
  },
});
