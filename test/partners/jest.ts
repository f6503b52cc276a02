/** The packed client in a partner's project that tests with Jest, in CommonJS. */
import { copyFileSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { packClient } from "../support/packages.ts";
import { here, type PartnerVariables, run, temporary } from "./shell.ts";

/** As much of Jest's report as is read here. */
interface Report {
  numPassedTests: number;
  numTotalTests: number;
}

/** Installs the packed client in an empty project and runs `jest/customers.test.js` there. Returns what failed. */
export async function testJest(variables: PartnerVariables): Promise<string[]> {
  const project = join(temporary, "customers-with-jest");
  mkdirSync(project);
  const { file } = packClient(project);
  copyFileSync(join(here, "jest/customers.test.js"), join(project, "customers.test.js"));
  const jest = join(here, "node_modules/jest/bin/jest.js");
  const { code, output } = await run(
    `npm init --yes && npm install --no-audit --no-fund ${file}
node ${jest} --rootDir . --watchman=false --json --outputFile report.json`,
    project,
    variables,
  );
  if (code !== 0) return [output];
  const { numPassedTests, numTotalTests }: Report = JSON.parse(
    readFileSync(join(project, "report.json"), "utf8"),
  );
  console.log(`Jest: ${numPassedTests} of ${numTotalTests} tests with the packed client passed.`);
  return numPassedTests === 2 ? [] : [output];
}
