/** The tests of the mutated file: on SQLite, and on PostgreSQL if the file has code for it. */
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";
import { httpProjects } from "../vitest.config.ts";
import { onBothEngines, testsByFile } from "./files.ts";

const file = process.env.MUTATED_FILE ?? "";
const isOnBoth = onBothEngines.includes(file);
const tests = testsByFile[file] ?? [];

/** Runs the files in the order of the list, those that kill most mutants first: the first failure ends a run. */
class ListedOrder extends BaseSequencer {
  override async sort(files: TestSpecification[]) {
    const rank = ({ moduleId }: TestSpecification) =>
      tests.findIndex((path) => moduleId.endsWith(`/${path}`));
    return files.toSorted((one, other) => rank(one) - rank(other));
  }
}

export default defineConfig({
  test: {
    // Stryker stops at the first test that fails.
    bail: 1,
    sequence: { sequencer: ListedOrder },
    ...(isOnBoth && { globalSetup: ["test/support/postgres.ts"] }),
    projects: httpProjects.slice(0, isOnBoth ? 2 : 1).map(({ test }, engine) => ({
      test: {
        ...test,
        typecheck: { enabled: false },
        // Loading the application again for each file would take as long as the tests.
        isolate: false,
        // The tests in other folders choose their engines themselves.
        include: tests.filter((path) => engine === 0 || /^test\/(http|clock)\//.test(path)),
        // Many mutants fail only when a request or a poll times out.
        testTimeout: 8_000,
        hookTimeout: 8_000,
        expect: { poll: { timeout: 3_000 } },
      },
    })),
  },
});
