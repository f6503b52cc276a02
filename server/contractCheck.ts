/** Compares a response that was received over HTTP with the contract. */
import Ajv, { type ValidateFunction } from "ajv-draft-04";
import addFormats from "ajv-formats";
import { contract, type Operation, operations, orderPaths } from "./contract.ts";

/** A response as it was received. Header names are in lower case. */
export interface ObservedResponse {
  method: string;
  /** Path and query of the request, as they were sent. */
  target: string;
  status: number;
  headers: Record<string, string>;
  body: string;
}

/** One difference: where, what the contract says, and what the response has. */
export interface Difference {
  where: string;
  contract: string;
  response: string;
}

// biome-ignore lint/suspicious/noExplicitAny: a part of the contract
type Part = any;

/** What HTTP itself and node:http add. */
const transportHeaders = [
  "date",
  "connection",
  "keep-alive",
  "content-length",
  "transfer-encoding",
  "content-type",
];

/** Paths that the server has besides those of the contract. */
const pages = ["/", "/docs", "/openapi.json", "/openapi.yaml", "/healthz", "/readyz"];

// The lint has compared the schemas with their metaschema; compiling that takes as long as compiling them.
const ajv = new Ajv.default({
  ...{ allErrors: true, strict: false, verbose: true },
  ...{ meta: false, validateSchema: false },
});
addFormats.default(ajv);
const validators = new Map<Part, ValidateFunction>();

const documentedHeaders = new Set<string>();
JSON.stringify(contract, (key, value) => {
  if (key === "headers") for (const name of Object.keys(value)) documentedHeaders.add(name.toLowerCase());
  return value;
});

/** Statuses that arise before the operation of a request is known. */
const beforeOperation = [400, 408, 431];

/** As a router tries them. */
const ordered = orderPaths(operations).flatMap((path) => path.operations);

/** The operation that a request of this method and path is for, if it is for one. */
export function findOperation({ method, target }: ObservedResponse): Operation | undefined {
  const path = target.split("?")[0] as string;
  return ordered.find(
    (operation) => operation.method === (method === "HEAD" ? "GET" : method) && operation.path.test(path),
  );
}

/** The responses that the contract gives an operation, or any request where there is none, by status. */
export function findResponses(operation: Operation | undefined): Part {
  return operation ? operation.responses : contract["x-any-request"].responses;
}

/** The contract's description of a response, or undefined where it has none. */
export function findDescribedResponse(response: ObservedResponse): Part {
  return (
    findResponses(findOperation(response))[response.status] ??
    (beforeOperation.includes(response.status) ? findResponses(undefined)[response.status] : undefined)
  );
}

/** Whether a page sent the response; the contract describes those that arise before the page is known. */
function isPage({ method, target, status }: ObservedResponse): boolean {
  const isRead = method === "GET" || method === "HEAD";
  return isRead && pages.includes(target.split("?")[0] as string) && !beforeOperation.includes(status);
}

/**
 * Every difference between a response and the contract; empty where the response conforms to it.
 * @param strictHeaders whether a header that the contract does not describe is a difference, as it is on
 *   our own server; a proxy in front of a deployment adds some of its own
 */
export function findDifferences(response: ObservedResponse, { strictHeaders = true } = {}): Difference[] {
  if (isPage(response)) return [];
  const described = findDescribedResponse(response);
  if (!described) {
    const statuses = Object.keys(findResponses(findOperation(response)));
    return [
      {
        where: "status",
        contract: statuses.join(", "),
        response: `${response.status} ${response.body.slice(0, 200)}`,
      },
    ];
  }
  return [
    ...findHeaderDifferences(response, described, strictHeaders),
    ...findBodyDifferences(response, described),
  ];
}

function findHeaderDifferences(
  response: ObservedResponse,
  described: Part,
  strictHeaders: boolean,
): Difference[] {
  const differences: Difference[] = [];
  const known = new Set(transportHeaders);
  for (const [name, { required, schema }] of Object.entries<Part>(described.headers ?? {})) {
    const text = response.headers[name.toLowerCase()];
    known.add(name.toLowerCase());
    if (text === undefined) {
      if (required)
        differences.push({
          where: `header ${name}`,
          contract: "required",
          response: "absent",
        });
      continue;
    }
    const value = schema.type === "integer" && /^-?[0-9]+$/.test(text) ? Number(text) : text;
    for (const error of findSchemaErrors(schema, value)) {
      differences.push({
        where: `header ${name}`,
        contract: String(error.message),
        response: text,
      });
    }
  }
  for (const [name, value] of Object.entries(response.headers)) {
    if (known.has(name) || !(strictHeaders || documentedHeaders.has(name))) continue;
    differences.push({
      where: `header ${name}`,
      contract: "not described",
      response: value,
    });
  }
  return differences;
}

function findBodyDifferences(response: ObservedResponse, described: Part): Difference[] {
  const [mediaType, content] = Object.entries<Part>(described.content ?? {})[0] ?? [];
  const contentType = response.headers["content-type"];
  if (contentType !== mediaType)
    return [
      {
        where: "media type",
        contract: mediaType ?? "none",
        response: contentType ?? "none",
      },
    ];
  if (!content || response.method === "HEAD") {
    return response.body === "" ? [] : [{ where: "body", contract: "empty", response: response.body }];
  }
  let body: Part;
  try {
    body = JSON.parse(response.body);
  } catch {
    return [{ where: "body", contract: "JSON", response: response.body }];
  }
  const differences = findSchemaErrors(content.schema, body).map((error) => ({
    where: `body${error.instancePath}`,
    contract: `${error.message} ${JSON.stringify(error.params)}`,
    response: String(JSON.stringify(error.data)),
  }));
  const messages = listMessages(described);
  if (response.status >= 400 && !messages.includes(body.error)) {
    differences.push({
      where: "body/error",
      contract: messages.join(" | "),
      response: String(body.error),
    });
  }
  return differences;
}

/** The error messages that a response may carry: its examples. */
export function listMessages(described: Part): string[] {
  const examples = described.content?.["application/json"].examples ?? {};
  return Object.values<Part>(examples).map((example) => example.value.error);
}

/** The errors that ajv finds in a value. Every object of the schema is closed, so that a leaked field is one. */
export function findSchemaErrors(schema: Part, value: unknown): NonNullable<ValidateFunction["errors"]> {
  const validate = compileSchema(schema);
  return validate(value) ? [] : (validate.errors ?? []);
}

function compileSchema(schema: Part): ValidateFunction {
  let validate = validators.get(schema);
  if (!validate) {
    validate = ajv.compile(closeSchema(schema));
    validators.set(schema, validate);
  }
  return validate;
}

/** Compiles all that responses are compared with, so that no check has to wait for it. */
export function compileContract(): void {
  for (const responses of [undefined, ...operations].map(findResponses)) {
    for (const { headers = {}, content = {} } of Object.values<Part>(responses))
      for (const { schema } of [...Object.values<Part>(headers), ...Object.values<Part>(content)])
        compileSchema(schema);
  }
}

function closeSchema(schema: Part): Part {
  if (Array.isArray(schema)) return schema.map(closeSchema);
  if (schema === null || typeof schema !== "object") return schema;
  const copy = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, closeSchema(value)]));
  return copy.type === "object" && copy.properties ? { ...copy, additionalProperties: false } : copy;
}
