import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { runProgram } from "../support/processes.ts";
import { cloneRepository, linkModules, readVersion, supportedNodes } from "./nodes.ts";

/** The everyday suite, and some tests of server processes. */
const files = {
  full: [
    "test/http",
    "test/clock",
    "test/client",
    "test/contract",
    "test/processes/process.test.ts",
    "bothEngines/workers",
  ],
  // The longest one, that of workers, on SQLite only.
  short: [
    "test/http/createCustomer",
    "test/http/connections",
    "bothEngines/workers",
    "'--project=!processes on PostgreSQL'",
  ],
};

// CI runs the other suites on the version in between.
const isShort = process.env.NODES_FORM === "short";
const nodes = isShort ? [supportedNodes[0], supportedNodes[2]] : supportedNodes;

it.each(nodes.map((node) => [readVersion(node), node] as const))(
  "Node %s: the everyday suite in a clone → all tests pass on that version",
  async (version, node) => {
    const clone = cloneRepository();
    linkModules(clone, node);
    const report = join(clone, "report.json");
    const chosen = isShort ? files.short : files.full;
    const args = ["run", "test:all", "--", ...chosen, "--reporter=dot", "--reporter=json"];
    const npm = ["npm", ...args, `--outputFile.json=${report}`].join(" ");
    const { code, stdout, stderr } = await runProgram("sh", ["-c", `cd ${clone} && ${npm}`], {
      EXPECTED_NODE: version,
    });
    expect(code, `${stdout}\n${stderr}`).toBe(0);
    const { numPassedTests, numFailedTests } = JSON.parse(readFileSync(report, "utf8"));
    console.log(`${version}: ${numPassedTests} passed, ${numFailedTests} failed`);
    expect(numPassedTests).toBeGreaterThan(50);
  },
);
