import { type ContractOperation, errorMessagesOf, type Part, resolve } from "./contractFile.ts";

interface Row {
  status: string;
  message: string;
  causes: Set<string>;
  operations: string[];
}

/** Every error message of the contract as a table in Markdown: its status, its causes and its operations. */
export function errorTable(contract: Part, operations: ContractOperation[]): string {
  const rows = new Map<string, Row>();
  function add(operation: string, responses: Record<string, Part>): void {
    for (const [status, response] of Object.entries(responses)) {
      if (status < "400") continue;
      const { description } = resolve(contract, response);
      for (const { message, example } of errorMessagesOf(contract, response)) {
        const key = `${status} ${message}`;
        const row = rows.get(key) ?? { status, message, causes: new Set(), operations: [] };
        rows.set(key, row);
        row.causes.add((example.summary ?? description).trim().replace(/\.$/, ""));
        row.operations.push(operation);
      }
    }
  }
  for (const { operationId, responses } of operations) add(`\`${operationId}\``, responses);
  const anyRequest = "any request";
  add(anyRequest, contract["x-any-request"].responses);

  const lines = [...rows.values()]
    .sort((one, other) => Number(one.status) - Number(other.status))
    .map((row) => {
      const from = row.operations.includes(anyRequest)
        ? anyRequest
        : row.operations.length === operations.length
          ? "every operation"
          : row.operations.join(", ");
      return `| ${row.status} | \`${row.message}\` | ${[...row.causes].join(". ")} | ${from} |`;
    });
  return ["| Status | `error` | Cause | Response to |", "| --- | --- | --- | --- |", ...lines].join("\n");
}
