/** Compares an answer that came over HTTP with what the contract says of it. */
import Ajv, { type ValidateFunction } from "ajv-draft-04";
import addFormats from "ajv-formats";
import { basePath, contract, type Operation, operations } from "./contract.ts";

/** An answer as it came. Header names are in lower case. */
export interface Answer {
  method: string;
  /** Path and query of the request, as they were sent. */
  target: string;
  status: number;
  headers: Record<string, string>;
  body: string;
}

/** One difference: where, what the contract says, and what came. */
export interface Difference {
  where: string;
  contract: string;
  came: string;
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

/** Paths that the server has beside the contract. */
const pages = ["/", "/docs", "/openapi.json", "/openapi.yaml", "/healthz", "/readyz"];

const ajv = new Ajv.default({ allErrors: true, strict: false, verbose: true });
addFormats.default(ajv);
const validators = new Map<Part, ValidateFunction>();

const documentedHeaders = new Set<string>();
JSON.stringify(contract, (key, value) => {
  if (key === "headers") for (const name of Object.keys(value)) documentedHeaders.add(name.toLowerCase());
  return value;
});

/** Statuses that any operation may be answered before it is known. */
const beforeOperation = [400, 408, 431];

/** The operation that a request of this method and path is for, if it is for one. */
export function operationOf({ method, target }: Answer): Operation | undefined {
  const path = target.split("?")[0] as string;
  return operations.find(
    (operation) => operation.method === (method === "HEAD" ? "GET" : method) && operation.path.test(path),
  );
}

/** The responses that the contract gives an operation, or any request where there is none, by status. */
export function responsesOf(operation: Operation | undefined): Part {
  return operation ? (operation.route.schema as Part).responses : contract["x-any-request"].responses;
}

/** The response of the contract for an answer, or undefined where it describes none. */
export function describedOf(answer: Answer): Part {
  return (
    responsesOf(operationOf(answer))[answer.status] ??
    (beforeOperation.includes(answer.status) ? responsesOf(undefined)[answer.status] : undefined)
  );
}

/** Whether it is a page's own answer: the contract describes those that arise before the page is known. */
function isPage({ method, target, status }: Answer): boolean {
  const isRead = method === "GET" || method === "HEAD";
  return isRead && pages.includes(target.split("?")[0] as string) && !beforeOperation.includes(status);
}

/**
 * Everything in which an answer differs from the contract; empty where it is as described.
 * @param strictHeaders whether every header that is not described is a difference, as it is on our
 *   own server; a proxy before a deployment adds some of its own
 */
export function differencesOf(answer: Answer, { strictHeaders = true } = {}): Difference[] {
  if (isPage(answer)) return [];
  const described = describedOf(answer);
  if (!described) {
    const statuses = Object.keys(responsesOf(operationOf(answer)));
    return [
      {
        where: "status",
        contract: statuses.join(", "),
        came: `${answer.status} ${answer.body.slice(0, 200)}`,
      },
    ];
  }
  return [...headerDifferences(answer, described, strictHeaders), ...bodyDifferences(answer, described)];
}

function headerDifferences(answer: Answer, described: Part, strictHeaders: boolean): Difference[] {
  const differences: Difference[] = [];
  const known = new Set(transportHeaders);
  for (const [name, { required, schema }] of Object.entries<Part>(described.headers ?? {})) {
    const text = answer.headers[name.toLowerCase()];
    known.add(name.toLowerCase());
    if (text === undefined) {
      if (required)
        differences.push({
          where: `header ${name}`,
          contract: "required",
          came: "absent",
        });
      continue;
    }
    const value = schema.type === "integer" && /^-?[0-9]+$/.test(text) ? Number(text) : text;
    for (const error of errorsOf(schema, value)) {
      differences.push({
        where: `header ${name}`,
        contract: String(error.message),
        came: text,
      });
    }
  }
  for (const [name, value] of Object.entries(answer.headers)) {
    if (known.has(name) || !(strictHeaders || documentedHeaders.has(name))) continue;
    differences.push({
      where: `header ${name}`,
      contract: "not described",
      came: value,
    });
  }
  return differences;
}

function bodyDifferences(answer: Answer, described: Part): Difference[] {
  const [mediaType, content] = Object.entries<Part>(described.content ?? {})[0] ?? [];
  const came = answer.headers["content-type"];
  if (came !== mediaType)
    return [
      {
        where: "media type",
        contract: mediaType ?? "none",
        came: came ?? "none",
      },
    ];
  if (!content || answer.method === "HEAD") {
    return answer.body === "" ? [] : [{ where: "body", contract: "empty", came: answer.body }];
  }
  let body: Part;
  try {
    body = JSON.parse(answer.body);
  } catch {
    return [{ where: "body", contract: "JSON", came: answer.body }];
  }
  const differences = errorsOf(content.schema, body).map((error) => ({
    where: `body${error.instancePath}`,
    contract: `${error.message} ${JSON.stringify(error.params)}`,
    came: String(JSON.stringify(error.data)),
  }));
  const messages = messagesOf(described);
  if (answer.status >= 400 && !messages.includes(body.error)) {
    differences.push({
      where: "body/error",
      contract: messages.join(" | "),
      came: String(body.error),
    });
  }
  return differences;
}

/** The error messages that a response shows as examples. */
export function messagesOf(described: Part): string[] {
  const examples = described.content?.["application/json"].examples ?? {};
  return Object.values<Part>(examples).map((example) => example.value.error);
}

/** What ajv finds in a value, with every object of the schema closed: a leaked field is a difference. */
export function errorsOf(schema: Part, value: unknown): NonNullable<ValidateFunction["errors"]> {
  let validate = validators.get(schema);
  if (!validate) {
    validate = ajv.compile(closed(schema));
    validators.set(schema, validate);
  }
  return validate(value) ? [] : (validate.errors ?? []);
}

function closed(schema: Part): Part {
  if (Array.isArray(schema)) return schema.map(closed);
  if (schema === null || typeof schema !== "object") return schema;
  const copy = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, closed(value)]));
  return copy.type === "object" && copy.properties ? { ...copy, additionalProperties: false } : copy;
}

/** The differences as a reader wants them: the request, then what the contract says and what came. */
export function reportOf(answer: Answer, differences: Difference[]): string {
  const lines = differences.map(
    ({ where, contract, came }) => `  ${where}\n  - contract: ${contract}\n  + came:     ${came}`,
  );
  return [
    `${answer.method} ${answer.target} was answered ${answer.status}, and differs from the contract:`,
    ...lines,
  ].join("\n");
}

/** Throws the report where an answer differs. */
export function assertContract(answer: Answer, options?: { strictHeaders?: boolean }): void {
  const differences = differencesOf(answer, options);
  if (differences.length > 0) throw new Error(reportOf(answer, differences));
}

/**
 * A `fetch` that compares every answer of the API with the contract, and rejects where one differs.
 * @param seen is told every answer
 */
export function createCheckedFetch(
  options: { strictHeaders?: boolean; seen?: (answer: Answer) => void } = {},
): (input: Request | string | URL, init?: RequestInit) => Promise<Response> {
  return async (input, init) => {
    const request = new Request(input, init);
    const response = await fetch(request);
    const { pathname, search } = new URL(request.url);
    const apiPath = pathname.indexOf(basePath);
    const answer = {
      method: request.method,
      // A deployment may have the API under a path of its own.
      target: (apiPath > 0 ? pathname.slice(apiPath) : pathname) + search,
      status: response.status,
      headers: Object.fromEntries(response.headers),
      body: await response.clone().text(),
    };
    assertContract(answer, options);
    options.seen?.(answer);
    return response;
  };
}
