/** Portman: it generates contract tests from the contract, as a Postman collection, and runs them on a sandbox. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { basePath, operations } from "../../server/contract.ts";
import { startSandbox } from "./sandbox.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** As much of newman's report as is read here. */
interface Report {
  run: {
    executions: {
      item: { name: string };
      assertions?: { assertion: string; error?: { message: string } }[];
    }[];
  };
}

/** Runs Portman on a sandbox of its own. Returns one line for each test that failed. */
export async function runPortman(): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), "distribu-portman-"));
  const { sandbox, url } = await startSandbox();
  try {
    const file = join(folder, "report.json");
    const newman = { reporters: ["json"], reporter: { json: { export: file } } };
    const portman = spawn(
      process.execPath,
      [
        join(root, "test/judges/node_modules/@apideck/portman/bin/portman"),
        ...["--local", join(root, "openapi/openapi.yaml"), "--baseUrl", url + basePath],
        ...["--portmanConfigFile", join(root, "test/judges/portman.json")],
        ...["--output", join(folder, "collection.json"), "--runNewman"],
        ...["--newmanRunOptions", JSON.stringify(newman)],
      ],
      // It writes to the folder in which it runs.
      { cwd: folder, stdio: ["ignore", "ignore", "inherit"] },
    );
    const [code] = await once(portman, "close");
    const { executions }: Report["run"] = (JSON.parse(readFileSync(file, "utf8")) as Report).run;
    const tests = executions.flatMap(({ item, assertions = [] }) =>
      assertions.map(({ assertion, error }) => ({ name: `${item.name}: ${assertion}`, error })),
    );
    const failures = tests.flatMap(({ name, error }) => (error ? [`${name}: ${error.message}`] : []));
    console.log(
      `Portman sent ${executions.length} requests; ${tests.length - failures.length} of ${tests.length} tests passed.`,
    );
    if (code !== 0 && failures.length === 0) failures.push(`Portman exited with ${code}`);
    // One request for each operation at least, or it has not tested them all.
    if (executions.length < operations.length) failures.push("Portman did not test every operation");
    return failures;
  } finally {
    sandbox.kill("SIGTERM");
    await once(sandbox, "exit");
    rmSync(folder, { recursive: true });
  }
}
