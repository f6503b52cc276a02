/** The contract at run time: its operations, their parameters and their messages. */

import { createRequire } from "node:module";
import type { Scope } from "../generated/messages.ts";
import type { ApiError } from "./errors.ts";
import type { OperationId } from "./operations.ts";
import { findAmbiguousTemplates, orderTemplates } from "./pathTemplates.ts";

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
  /** Its path below the base path, as the contract writes it: `/customers/{id}`. */
  template: string;
  /** Its whole path as a pattern with one named group for each path parameter. */
  path: RegExp;
  scope: Scope;
  parameters: Parameter[];
  headers: Parameter[];
  query: Map<string, Parameter>;
  /** Maximum size of its body in bytes; absent where it has none. */
  maxBodyBytes?: number;
  bodySchema?: Schema;
  // biome-ignore lint/suspicious/noExplicitAny: a part of the contract, as its lint knows it
  responses: Record<string, any>;
}

const document = createRequire(import.meta.url)("#openapi.json");

/** Copies a document with every local reference replaced by what it points to: one object, however often it is referenced. */
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

/** `/api/v1`: the path of the servers that the contract names. */
export const basePath = new URL(contract.servers[0].url).pathname;

const methods = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/** The operations of the contract, in its order. */
// biome-ignore lint/suspicious/noExplicitAny: a part of the contract, as its lint knows it
export const operations: Operation[] = Object.entries<any>(contract.paths).flatMap(([template, item]) =>
  methods
    .filter((method) => item[method])
    .map((method) => createOperation(template, method, item[method], item.parameters ?? [])),
);

function createOperation(
  template: string,
  method: string,
  // biome-ignore lint/suspicious/noExplicitAny: a part of the contract, as its lint knows it
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

/** The operations of one path. */
export interface PathItem {
  template: string;
  /** The path as Express writes it: `/api/v1/customers/:id`. */
  route: string;
  operations: Operation[];
}

/**
 * The paths of operations in the order in which a router must try them: a literal segment before a parameter in its
 * place (OpenAPI, "Path Templating Matching"), whatever their order in the contract.
 * @throws {Error} when two templates match the same path and neither comes first
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

/** A message out of the contract; `npm run generate` has seen that it is among the examples. */
export type ContractMessage = ConstructorParameters<typeof ApiError<400>>[1];

/** The message that stands beside the failed constraint; of several, the first that the contract lists. */
export function findMessage(schema: Schema, failedKeywords: string[]): ContractMessage {
  const messages = schema["x-error-message"];
  const message =
    typeof messages === "object"
      ? Object.entries(messages).find(([keyword]) => failedKeywords.includes(keyword))?.[1]
      : messages;
  return message as ContractMessage;
}
