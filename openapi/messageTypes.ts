import { type ContractOperation, listErrorMessages, type Part, resolve } from "./contractFile.ts";

/** Generates messages.ts: the error messages, defaults and scopes of a contract as literal types. */
export function generateMessageTypes(contract: Part, operations: ContractOperation[]): string {
  const formatUnion = (texts: Iterable<string>) => [...texts].map((text) => JSON.stringify(text)).join(" | ");

  /** Formats the error statuses of some responses, with their error messages, as the members of an interface. */
  function listMembers(responses: Record<string, Part>, indent: string): string {
    return Object.entries(responses)
      .filter(([status]) => status >= "400")
      .map(([status, response]) => {
        const messages = listErrorMessages(contract, response).map(({ message }) => message);
        return `${indent}${status}: ${formatUnion(messages)};`;
      })
      .join("\n");
  }

  function listNamesWithDefault(schemas: [string, Part][]): string {
    const named = schemas.filter(([, schema]) => resolve(contract, schema).default !== undefined);
    return formatUnion(named.map(([name]) => name)) || "never";
  }

  const messages = operations.map(
    ({ operationId, responses }) => `  ${operationId}: {\n${listMembers(responses, "    ")}\n  };`,
  );
  const defaults = operations.map(({ operationId, parameters, body }) => {
    const query = parameters
      .filter((parameter) => parameter.in === "query")
      .map((parameter): [string, Part] => [parameter.name, parameter.schema]);
    const schema = resolve(contract, body?.content["application/json"].schema);
    const fields = Object.entries<Part>(schema?.properties ?? {});
    return `  ${operationId}: { query: ${listNamesWithDefault(query)}; body: ${listNamesWithDefault(fields)} };`;
  });
  const scopes = new Set(operations.flatMap((operation) => operation.scopes));

  return `/** The error messages of each operation, by status. */
export interface Messages {
${messages.join("\n")}
}

/** The error messages that any request may cause before its operation is known, by status. */
export interface AnyRequestMessages {
${listMembers(contract["x-any-request"].responses, "  ")}
}

/** The parameters and fields of each operation that have a default: they are present after validation. */
export interface Defaulted {
${defaults.join("\n")}
}

/** The scopes that an API key can have. */
export type Scope = ${formatUnion(scopes)};
`;
}
