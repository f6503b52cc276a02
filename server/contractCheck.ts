/** Compares responses received over HTTP with the contract. */
import Ajv, { type ValidateFunction } from "ajv-draft-04";
import addFormats from "ajv-formats";
import { contract, type Operation, operations, orderPaths } from "./contract.ts";

/** A response as received. Header names are in lower case. */
export interface ObservedResponse {
  method: string;
  /** Path and query of the request, as sent. */
  target: string;
  status: number;
  headers: Record<string, string>;
  body: string;
}

/** A difference: its location, what the contract requires, and what the response contains. */
export interface Difference {
  where: string;
  contract: string;
  response: string;
}

// biome-ignore lint/suspicious/noExplicitAny: a part of the contract
type Part = any;

/** Headers of HTTP itself, which node:http adds. */
const transportHeaders = [
  "date",
  "connection",
  "keep-alive",
  "content-length",
  "transfer-encoding",
  "content-type",
];

/** Paths of the server that are not in the contract. */
const pages = [
  ...["/", "/docs", "/docs/docs.js", "/docs/postman.json"],
  ...["/openapi.json", "/openapi.yaml", "/healthz", "/readyz"],
];

// Linting has validated the schemas; compiling their metaschema would take as long as compiling them.
const ajv = new Ajv.default({
  allErrors: true,
  strict: false,
  verbose: true,
  meta: false,
  validateSchema: false,
});
addFormats.default(ajv);
const validators = new Map<Part, ValidateFunction>();

const documentedHeaders = new Set<string>();
JSON.stringify(contract, (key, value) => {
  if (key === "headers") for (const name of Object.keys(value)) documentedHeaders.add(name.toLowerCase());
  return value;
});

/** Statuses that arise before the operation of a request is known. */
const beforeOperation = [400, 408, 431, 503];

/** All operations, in the order in which a router tries them. */
const ordered = orderPaths(operations).flatMap((path) => path.operations);

/** Finds the operation with the method and path of the request, if there is one. */
export function findOperation({ method, target }: ObservedResponse): Operation | undefined {
  const path = target.split("?")[0] as string;
  return ordered.find(
    (operation) => operation.method === (method === "HEAD" ? "GET" : method) && operation.path.test(path),
  );
}

/** Returns the responses in the contract by status: of the operation or, without one, of any request. */
export function findResponses(operation: Operation | undefined): Part {
  return operation ? operation.responses : contract["x-any-request"].responses;
}

/** Finds the contract's description of a response, if there is one. */
export function findDescribedResponse(response: ObservedResponse): Part {
  return (
    findResponses(findOperation(response))[response.status] ??
    (beforeOperation.includes(response.status) ? findResponses(undefined)[response.status] : undefined)
  );
}

/** Whether the response is from a page; responses sent before the page is known are in the contract. */
function isPage({ method, target, status }: ObservedResponse): boolean {
  const isRead = method === "GET" || method === "HEAD";
  const path = target.split("?")[0] as string;
  const isUnready = path === "/readyz" && status === 503;
  return isRead && pages.includes(path) && (isUnready || !beforeOperation.includes(status));
}

/**
 * Finds all differences between a response and the contract; none if the response conforms.
 * @param strictHeaders whether a header that the contract does not describe is a difference; a proxy in front of a
 *   deployment adds such headers
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
  // If it is not a string, the schema check has reported it.
  const message = body?.error;
  if (typeof message === "string" && !messages.includes(message))
    differences.push({ where: "body/error", contract: messages.join(" | "), response: message });
  return differences;
}

/** Lists the error messages that a response may contain: those of its examples. */
export function listMessages(described: Part): string[] {
  const examples = described.content?.["application/json"].examples ?? {};
  return Object.values<Part>(examples).map((example) => example.value.error);
}

/** Validates a value with ajv. Every object of the schema is closed, so that a leaked field is an error. */
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

/** Compiles all response schemas in advance, so that no check has to wait for their compilation. */
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
