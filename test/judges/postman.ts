/** The Postman collection that the documentation offers for download, run by newman on a sandbox. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { basePath, contract, operations } from "../../server/contract.ts";
import { sandboxKeys } from "../../server/sandbox/data.ts";
import { startSandbox } from "./sandbox.ts";

const newman = fileURLToPath(new URL("node_modules/newman/bin/newman.js", import.meta.url));

/** As much of newman's report as is read here. */
interface Report {
  collection: { item: { name: string; item: { id: string; name: string }[] }[] };
  run: { executions: { item: { id: string }; response?: { code: number } }[] };
}

/** Runs the downloaded collection with its three variables set. Returns one line for each request that failed. */
export async function runPostmanCollection(): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), "distribu-postman-"));
  const { sandbox, url } = await startSandbox();
  try {
    const report = join(folder, "report.json");
    const ID = contract.paths["/customers/{id}"].parameters[0].example;
    const variables = { API: url + basePath, KEY: sandboxKeys.both.key, ID };
    const child = spawn(
      process.execPath,
      [
        ...[newman, "run", `${url}/docs/postman.json`, "--reporters=json", "--reporter-json-export", report],
        ...Object.entries(variables).flatMap(([name, value]) => ["--env-var", `${name}=${value}`]),
      ],
      { stdio: "inherit" },
    );
    await once(child, "close");
    return findFailures(JSON.parse(readFileSync(report, "utf8")));
  } finally {
    sandbox.kill("SIGTERM");
    await once(sandbox, "exit");
    rmSync(folder, { recursive: true });
  }
}

/** Each operation has a request for each example of its body, or one; each must get the operation's success status. */
function findFailures({ collection, run }: Report): string[] {
  const failures: string[] = [];
  let sent = 0;
  for (const { operationId, template, method } of operations) {
    const { summary, responses, requestBody } = contract.paths[template][method.toLowerCase()];
    const requests = collection.item.find(({ name }) => name === summary)?.item ?? [];
    const examples = Object.keys(requestBody?.content["application/json"].examples ?? { only: {} });
    if (requests.length !== examples.length) failures.push(`${operationId} has ${requests.length} requests`);
    const expected = Object.keys(responses).find((status) => status.startsWith("2"));
    for (const { id, name } of requests) {
      const code = run.executions.find(({ item }) => item.id === id)?.response?.code;
      sent++;
      if (String(code) !== expected) failures.push(`${operationId}, ${name}: ${code}, not ${expected}`);
    }
  }
  console.log(`Newman sent ${sent} requests of the documentation's collection; ${failures.length} failed.`);
  return failures;
}
