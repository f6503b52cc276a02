/** The contract as a collection that openapi-to-postmanv2 generates, run by newman. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { postman } from "./generators.ts";
import { here, type PartnerVariables, run, temporary } from "./shell.ts";

interface Execution {
  item: { name: string };
  response?: { code: number };
}

/**
 * Runs the collection twice: unchanged, when the example's ID is unknown and its email is unused, and with the ID of a
 * customer in place of the example's. Returns what failed.
 */
export async function testPostman(variables: PartnerVariables): Promise<string[]> {
  const folder = join(here, postman.folder);
  mkdirSync(folder, { recursive: true });
  const generated = await run(`${postman.fetch} && ${postman.generate}`, folder, variables);
  const failures = generated.code === 0 ? [] : [generated.output];
  const succeeded = new Set<string>();
  const contract = JSON.parse(readFileSync(join(folder, "client.json"), "utf8"));
  // biome-ignore lint/suspicious/noExplicitAny: a parsed document
  const operations = Object.values<any>(contract.paths)
    // biome-ignore lint/suspicious/noExplicitAny: a parsed document
    .flatMap((path) => Object.values<any>(path))
    .filter(({ operationId }) => operationId);

  async function runCollection() {
    const report = join(temporary, "newman.json");
    await run(`${postman.run} --reporters json --reporter-json-export ${report}`, folder, variables);
    const executions: Execution[] = JSON.parse(readFileSync(report, "utf8")).run.executions;
    for (const { operationId, summary, responses } of operations) {
      const status = executions.find(({ item }) => item.name === summary)?.response?.code;
      if (status === undefined || !responses[status]) failures.push(`${operationId} got ${status}`);
      else if (status < 300) succeeded.add(operationId);
    }
  }

  await runCollection();
  const collection = join(folder, "client-collection.json");
  const listed = await fetch(`${variables.DISTRIBU_URL}/api/v1/customers`, {
    headers: { Authorization: `Bearer ${variables.DISTRIBU_API_KEY}` },
  });
  const [customer] = ((await listed.json()) as { data: { id: string }[] }).data;
  const exampleId = contract.paths["/customers/{id}"].parameters[0].example;
  writeFileSync(collection, readFileSync(collection, "utf8").replaceAll(exampleId, customer?.id ?? ""));
  await runCollection();

  for (const { operationId } of operations) {
    if (!succeeded.has(operationId)) failures.push(`${operationId} never succeeded`);
  }
  return failures;
}
