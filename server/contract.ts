/** The contract at run time: its operations, their parameters and their messages. */
import { createRequire } from "node:module";
import type { Scope } from "../generated/messages.ts";
import type { ApiError } from "./errors.ts";
import type { OperationId } from "./operations.ts";

/** As much of a JSON schema of OpenAPI 3.0 as the server looks at. */
interface Schema {
  pattern?: string;
  properties?: Record<string, Schema>;
  "x-error-message"?: string | Record<string, string>;
  "x-rejected-properties"?: Record<string, string>;
  /** What the raw text of a number must match; coercion would also take `1e1` and `0x10`. */
  "x-lexical-pattern"?: string;
  /** A number outside these bounds counts as the nearer of them. */
  "x-clamp"?: { minimum: number; maximum: number };
}

/** A parameter of an operation. */
export interface Parameter {
  name: string;
  in: "path" | "query" | "header";
  allowEmptyValue?: boolean;
  schema: Schema;
  /** What the raw text must match, where the validator does not see it: a header, the digits of a number. */
  pattern?: RegExp;
}

/** One operation of the contract, with all references resolved. */
export interface Operation {
  operationId: OperationId;
  method: string;
  /** Its path as a pattern with one named group for each path parameter. */
  path: RegExp;
  scope: Scope;
  parameters: Parameter[];
  headers: Parameter[];
  query: Map<string, Parameter>;
  /** The largest body it reads, in bytes; absent where it reads none. */
  maxBodyBytes?: number;
  bodySchema?: Schema;
  /** What express-openapi-validator would find in its route table. */
  route: { expressRoute: string; openApiRoute: string; schema: object };
}

const document = createRequire(import.meta.url)("#openapi.json");

/** Copies `node` with every local reference replaced by what it points to. */
// biome-ignore lint/suspicious/noExplicitAny: any part of a JSON document
export function dereference(node: any, root: any = node): any {
  if (Array.isArray(node)) return node.map((item) => dereference(item, root));
  if (node === null || typeof node !== "object") return node;
  if (typeof node.$ref === "string") {
    const keys: string[] = node.$ref.slice(2).split("/");
    return dereference(
      keys.reduce((parent, key) => parent[key.replaceAll("~1", "/").replaceAll("~0", "~")], root),
      root,
    );
  }
  return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, dereference(value, root)]));
}

/** The contract with every reference resolved. */
export const contract = dereference(document);

/** `/api/v1`: the path of the servers that the contract names. */
export const basePath = new URL(contract.servers[0].url).pathname;

/** The operations of the contract, in its order. */
export const operations: Operation[] = Object.entries<Record<string, unknown>>(contract.paths).flatMap(
  ([path, item]) =>
    Object.entries(item)
      .filter(([method]) => method !== "parameters")
      // biome-ignore lint/suspicious/noExplicitAny: an operation object, as the lint of the contract knows it
      .map(([method, operation]: [string, any]) => {
        const declared: Parameter[] = [
          ...((item.parameters as Parameter[]) ?? []),
          ...(operation.parameters ?? []),
        ];
        const parameters = declared.map((parameter) => {
          const pattern =
            parameter.in === "header" ? parameter.schema.pattern : parameter.schema["x-lexical-pattern"];
          return pattern === undefined ? parameter : { ...parameter, pattern: new RegExp(pattern) };
        });
        const { requestBody } = operation;
        return {
          operationId: operation.operationId,
          method: method.toUpperCase(),
          path: new RegExp(`^${basePath}${path.replace(/\{(\w+)\}/g, "(?<$1>[^/]+)")}$`),
          scope: operation["x-required-scopes"][0],
          parameters,
          headers: parameters.filter((parameter) => parameter.in === "header"),
          query: new Map(
            parameters
              .filter((parameter) => parameter.in === "query")
              .map((parameter) => [parameter.name, parameter]),
          ),
          ...(requestBody && {
            maxBodyBytes: requestBody["x-max-bytes"],
            bodySchema: requestBody.content["application/json"].schema,
          }),
          route: {
            expressRoute: path,
            openApiRoute: path,
            // The validator wants parameters that it can change, and no headers: those are checked
            // before the body is read, or mean nothing where they are wrong.
            schema: structuredClone({
              ...operation,
              parameters: declared.filter((parameter) => parameter.in !== "header"),
            }),
          },
        };
      }),
);

/** The scopes that a key can have. */
export const scopes = [...new Set(operations.map((operation) => operation.scope))];

/** A message out of the contract; `npm run generate` has seen that it is among the examples. */
export type ContractMessage = ConstructorParameters<typeof ApiError<400>>[1];

/** The message that stands beside the failed constraint; of several, the first that the contract lists. */
export function messageOf(schema: Schema, failedKeywords: string[]): ContractMessage {
  const messages = schema["x-error-message"];
  const message =
    typeof messages === "object"
      ? Object.entries(messages).find(([keyword]) => failedKeywords.includes(keyword))?.[1]
      : messages;
  return message as ContractMessage;
}
