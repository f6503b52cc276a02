/** The contract at run time: its operations, with their parameters and error messages. */
import { createRequire } from "node:module";
import type { Scope } from "../generated/messages.ts";
import type { ApiError } from "./errors.ts";
import type { OperationId } from "./operations.ts";
import { findAmbiguousTemplates, orderTemplates } from "./pathTemplates.ts";

/** The parts of an OpenAPI 3.0 schema that the server uses. */
export interface Schema {
  type?: string;
  pattern?: string;
  properties?: Record<string, Schema>;
  "x-error-message"?: string | Record<string, string>;
  "x-rejected-properties"?: Record<string, string>;
  /** The pattern for the raw text of a number; coercion would also accept `1e1` and `0x10`. */
  "x-lexical-pattern"?: string;
  /** A number outside these bounds counts as the nearer bound. */
  "x-clamp"?: { minimum: number; maximum: number };
}

/** A parameter of an operation. */
export interface Parameter {
  name: string;
  in: "path" | "query" | "header";
  allowEmptyValue?: boolean;
  schema: Schema;
  /** The pattern for raw text that the validator does not see: of a header, or of a number before coercion. */
  pattern?: RegExp;
}

/** An operation of the contract, with all references resolved. */
export interface Operation {
  operationId: OperationId;
  method: string;
  /** Its path below the base path, as in the contract: `/customers/{id}`. */
  template: string;
  /** Its full path as a pattern with a named group for each path parameter. */
  path: RegExp;
  scope: Scope;
  parameters: Parameter[];
  headers: Parameter[];
  query: Map<string, Parameter>;
  /** Maximum size of its body in bytes; absent if it has no body. */
  maxBodyBytes?: number;
  bodySchema?: Schema;
  // biome-ignore lint/suspicious/noExplicitAny: a part of the contract, whose structure `redocly lint` has checked
  responses: Record<string, any>;
}

const document = createRequire(import.meta.url)("#openapi.json");

/**
 * Copies a document, replacing every local reference with its target. References to the same target share one object.
 */
// biome-ignore lint/suspicious/noExplicitAny: any JSON document
export function dereference(root: any): any {
  // biome-ignore lint/suspicious/noExplicitAny: any part of a JSON document
  const resolved = new Map<string, any>();
  // biome-ignore lint/suspicious/noExplicitAny: any part of a JSON document
  function copy(node: any): any {
    if (Array.isArray(node)) return node.map(copy);
    if (node === null || typeof node !== "object") return node;
    const { $ref } = node;
    if (typeof $ref !== "string")
      return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, copy(value)]));
    if (!resolved.has($ref)) {
      const keys = $ref.slice(2).split("/");
      const target = keys.reduce(
        (parent, key) => parent[key.replaceAll("~1", "/").replaceAll("~0", "~")],
        root,
      );
      resolved.set($ref, copy(target));
    }
    return resolved.get($ref);
  }
  return copy(root);
}

/** The contract with every reference resolved. */
export const contract = dereference(document);

/** `/api/v1`: the path of the contract's servers. */
export const basePath = new URL(contract.servers[0].url).pathname;

const methods = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/** The operations in the order of the contract. */
// biome-ignore lint/suspicious/noExplicitAny: a part of the contract, whose structure `redocly lint` has checked
export const operations: Operation[] = Object.entries<any>(contract.paths).flatMap(([template, item]) =>
  methods
    .filter((method) => item[method])
    .map((method) => createOperation(template, method, item[method], item.parameters ?? [])),
);

function createOperation(
  template: string,
  method: string,
  // biome-ignore lint/suspicious/noExplicitAny: a part of the contract, whose structure `redocly lint` has checked
  { operationId, parameters: own = [], requestBody, responses, "x-required-scopes": [scope] }: any,
  shared: Parameter[],
): Operation {
  const parameters = [...shared, ...own].map((parameter: Parameter) => {
    const { schema } = parameter;
    const pattern = parameter.in === "header" ? schema.pattern : schema["x-lexical-pattern"];
    return pattern === undefined ? parameter : { ...parameter, pattern: new RegExp(pattern) };
  });
  return {
    operationId,
    method: method.toUpperCase(),
    template,
    path: new RegExp(`^${basePath}${template.replace(/\{(\w+)\}/g, "(?<$1>[^/]+)")}$`),
    scope,
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
    responses,
  };
}

/** A path and its operations. */
export interface PathItem {
  template: string;
  /** The path as Express writes it: `/api/v1/customers/:id`. */
  route: string;
  operations: Operation[];
}

/**
 * Sorts the paths of operations in the order in which a router must try them: a literal segment before a parameter in
 * the same position (OpenAPI, "Path Templating Matching"), regardless of their order in the contract.
 * @throws {Error} when two templates match the same path and neither takes precedence
 */
export function orderPaths(all: Operation[]): PathItem[] {
  const templates = [...new Set(all.map(({ template }) => template))];
  const [ambiguity] = findAmbiguousTemplates(templates);
  if (ambiguity) throw new Error(`Paths of the contract are ambiguous: ${ambiguity}`);
  return orderTemplates(templates).map((template) => ({
    template,
    route: basePath + template.replace(/\{(\w+)\}/g, ":$1"),
    operations: all.filter((operation) => operation.template === template),
  }));
}

/** The scopes that a key can have. */
export const scopes = [...new Set(operations.map((operation) => operation.scope))];

/** An error message of the contract; `npm run generate` has checked that it is among the examples. */
export type ContractMessage = ConstructorParameters<typeof ApiError<400>>[1];

/** Finds the error message of the failed constraint; of several, that of the first in the contract. */
export function findMessage(schema: Schema, failedKeywords: string[]): ContractMessage {
  const messages = schema["x-error-message"];
  const message =
    typeof messages === "object"
      ? Object.entries(messages).find(([keyword]) => failedKeywords.includes(keyword))?.[1]
      : messages;
  return message as ContractMessage;
}
