import { type ContractOperation, type Part, resolve } from "./contractFile.ts";

/** Lists the names of the headers that every successful response has. */
export function listCommonHeaders(contract: Part, operations: ContractOperation[]): string[] {
  const [first = [], ...others] = operations.flatMap(({ responses }) =>
    Object.entries<Part>(responses)
      .filter(([status]) => status < "400")
      .map(([, response]) => Object.keys(resolve(contract, response).headers)),
  );
  return first.filter((name) => others.every((names) => names.includes(name)));
}

/** Formats these headers as a table in Markdown. */
export function formatCommonHeaders(contract: Part, operations: ContractOperation[]): string {
  const rows = listCommonHeaders(contract, operations).map((name) => {
    const { description } = contract.components.headers[name];
    return `| \`${name}\` | ${description.trim().replaceAll(/\s+/g, " ")} |`;
  });
  return ["| Header | Value |", "| --- | --- |", ...rows].join("\n");
}
