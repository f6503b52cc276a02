import { STATUS_CODES } from "node:http";
import { type ContractOperation, listErrorMessages, type Part, resolve } from "./contractFile.ts";

/**
 * Formats all error messages of the contract as a table in Markdown, by status: the remedy for each status, and the
 * causes of each error message.
 * @throws {Error} if a status has no remedy, or a remedy no status
 */
export function formatErrorTable(contract: Part, operations: ContractOperation[]): string {
  const groups = new Map<string, Map<string, Set<string>>>();
  for (const { responses } of [...operations, contract["x-any-request"]])
    for (const [status, response] of Object.entries<Part>(responses)) {
      if (status < "400") continue;
      const { description } = resolve(contract, response);
      for (const { message, example } of listErrorMessages(contract, response)) {
        const messages = groups.get(status) ?? new Map<string, Set<string>>();
        groups.set(status, messages);
        const causes = messages.get(message) ?? new Set();
        messages.set(message, causes.add(joinLines(example.summary ?? description)));
      }
    }
  const statuses = [...groups.keys()].sort();
  const remedies: Record<string, string> = contract["x-remedies"];
  if (statuses.join() !== Object.keys(remedies).sort().join())
    throw new Error(`x-remedies must have one entry for each of ${statuses.join(", ")}.`);
  const rows = [...groups]
    .sort(([one], [other]) => Number(one) - Number(other))
    .flatMap(([status, messages]) => [
      `| **${status} ${STATUS_CODES[status]}** | ${remedies[status]} |`,
      ...[...messages].map(([message, causes]) => `| \`${message}\` | ${[...causes].join(". ")} |`),
    ]);
  return ["| Status and `error` | Remedy and cause |", "| --- | --- |", ...rows].join("\n");
}

function joinLines(text: string): string {
  return text.trim().replaceAll(/\s+/g, " ").replace(/\.$/, "");
}
