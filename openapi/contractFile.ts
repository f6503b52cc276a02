/** Reads openapi.yaml for the tools in this folder. */
import { readFileSync } from "node:fs";
import { parse } from "yaml";

/** A part of the contract. */
// biome-ignore lint/suspicious/noExplicitAny: a parsed document, whose structure `redocly lint` has checked
export type Part = any;

export function readContract(): Part {
  return parse(readFileSync(new URL("openapi.yaml", import.meta.url), "utf8"));
}

/** Returns the part that a reference points to, or the part itself. */
export function resolve(contract: Part, part: Part): Part {
  if (typeof part?.$ref !== "string") return part;
  const keys: string[] = part.$ref.slice(2).split("/");
  const target = keys.reduce(
    (parent, key) => parent?.[key.replaceAll("~1", "/").replaceAll("~0", "~")],
    contract,
  );
  if (target === undefined) throw new Error(`The contract has no ${part.$ref}.`);
  return resolve(contract, target);
}

/** An operation. Its parameters include those of its path, and all are resolved. */
export interface ContractOperation {
  operationId: string;
  method: string;
  path: string;
  summary: string;
  description: string;
  parameters: Part[];
  body: Part | undefined;
  scopes: string[];
  isSecured: boolean;
  responses: Record<string, Part>;
}

/** Lists the operations of a contract, in its order. */
export function listOperations(contract: Part): ContractOperation[] {
  return Object.entries<Part>(contract.paths).flatMap(([path, item]) =>
    Object.entries<Part>(item)
      .filter(([, operation]) => operation.operationId)
      .map(([method, operation]) => ({
        operationId: operation.operationId,
        method: method.toUpperCase(),
        path,
        summary: operation.summary,
        description: operation.description,
        parameters: [...(item.parameters ?? []), ...(operation.parameters ?? [])].map((parameter) =>
          resolve(contract, parameter),
        ),
        body: resolve(contract, operation.requestBody),
        scopes: operation["x-required-scopes"] ?? [],
        isSecured: (operation.security ?? contract.security ?? []).length > 0,
        responses: operation.responses,
      })),
  );
}

/** Lists the error messages in the examples of a response, each with its example. */
export function listErrorMessages(contract: Part, response: Part): { message: string; example: Part }[] {
  const { content } = resolve(contract, response);
  return Object.values(content?.["application/json"]?.examples ?? {})
    .map((reference) => resolve(contract, reference))
    .filter(({ value }) => value?.error !== undefined)
    .map((example) => ({ message: example.value.error, example }));
}
