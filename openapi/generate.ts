/**
 * Writes generated/ from openapi.yaml: `openapi.json` (the contract for serving and for partners),
 * `api.ts` (its types) and `messages.ts` (its error messages and scopes as literal types).
 */
import { readFileSync, writeFileSync } from "node:fs";
import openapiTS, { astToString } from "openapi-typescript";
import { parse } from "yaml";

const contract = parse(readFileSync(new URL("openapi.yaml", import.meta.url), "utf8"));
const notice = "// Generated from openapi/openapi.yaml by `npm run generate`. Do not edit.\n";

function write(name: string, text: string) {
  writeFileSync(new URL(`../generated/${name}`, import.meta.url), text);
}

// biome-ignore lint/suspicious/noExplicitAny: a parsed document, walked by its pointers
function resolve(node: any): any {
  if (!node?.$ref) return node;
  const keys = node.$ref.slice(2).split("/");
  return resolve(keys.reduce((parent: Record<string, unknown>, key: string) => parent[key], contract));
}

/** Status and messages of each response that shows an error, as the body of a TypeScript interface. */
function messagesOf(responses: object): string {
  return Object.entries(responses)
    .map(([status, response]) => [status, resolve(response).content?.["application/json"].examples] as const)
    .filter(([status, examples]) => Number(status) >= 400 && examples)
    .map(([status, examples]) => {
      const messages = Object.values(examples).map((example) => JSON.stringify(resolve(example).value.error));
      return `    ${status}: ${messages.join(" | ")};`;
    })
    .join("\n");
}

// biome-ignore lint/suspicious/noExplicitAny: a parsed document
const operations: any[] = Object.values(contract.paths)
  // biome-ignore lint/suspicious/noExplicitAny: a parsed document
  .flatMap((path: any) => Object.values(path))
  // biome-ignore lint/suspicious/noExplicitAny: a parsed document
  .filter((operation: any) => operation.operationId);

/** The names of what a schema gives a default, as a TypeScript type. */
// biome-ignore lint/suspicious/noExplicitAny: a parsed document
function defaultedOf(schemas: [string, any][]): string {
  const names = schemas
    .filter(([, schema]) => resolve(schema)?.default !== undefined)
    .map(([name]) => JSON.stringify(name));
  return names.join(" | ") || "never";
}

/** Every error message as a table in Markdown: its status, when it comes, and what answers it. */
function messageTable(): string {
  const rows = new Map<string, { status: number; message: string; when: Set<string>; from: string[] }>();
  function add(from: string, responses: object) {
    for (const [status, reference] of Object.entries(responses)) {
      const { description, content } = resolve(reference);
      if (Number(status) < 400) continue;
      for (const example of Object.values(content["application/json"].examples)) {
        const { summary, value } = resolve(example);
        const key = `${status} ${value.error}`;
        if (!rows.has(key))
          rows.set(key, { status: Number(status), message: value.error, when: new Set(), from: [] });
        rows.get(key)?.when.add((summary ?? description).trim().replace(/\.$/, ""));
        rows.get(key)?.from.push(from);
      }
    }
  }
  for (const { operationId, responses } of operations) add(`\`${operationId}\``, responses);
  add("any request", contract["x-any-request"].responses);
  const lines = [...rows.values()]
    .sort((one, other) => one.status - other.status)
    .map(({ status, message, when, from }) => {
      const isOfAll = from.length >= operations.length;
      const whence = from.includes("any request")
        ? "any request"
        : isOfAll
          ? "every operation"
          : from.join(", ");
      return `| ${status} | \`${message}\` | ${[...when].join(". ")} | ${whence} |`;
    });
  return ["| Status | `error` | When | Answer to |", "| --- | --- | --- | --- |", ...lines].join("\n");
}

const scopes = new Set(operations.flatMap((operation) => operation["x-required-scopes"]));

contract.info.description = contract.info.description.replace(/<!-- Here .*? -->/, messageTable());
write("openapi.json", `${JSON.stringify(contract, null, 2)}\n`);
write(
  "api.ts",
  notice +
    astToString(
      await openapiTS(contract, {
        alphabetize: true,
        defaultNonNullable: false,
        rootTypes: true,
        rootTypesNoSchemaPrefix: true,
      }),
    ),
);
write(
  "messages.ts",
  `${notice}
/** The error messages of each operation, by status. */
export interface Messages {
${operations.map(({ operationId, responses }) => `  ${operationId}: {\n${messagesOf(responses)}\n  };`).join("\n")}
}

/** The error messages that any request may meet before an operation is known, by status. */
export interface AnyRequestMessages {
${messagesOf(contract["x-any-request"].responses).replaceAll(/^ {4}/gm, "  ")}
}

/** The parameters and fields of each operation that the contract gives a default: they are there once it was checked. */
export interface Defaulted {
${operations
  .map(({ operationId, parameters = [], requestBody }) => {
    // biome-ignore lint/suspicious/noExplicitAny: a parsed document
    const query = parameters.map((parameter: any) => [parameter.name, parameter.schema]);
    const body = Object.entries(resolve(requestBody?.content["application/json"].schema)?.properties ?? {});
    return `  ${operationId}: { query: ${defaultedOf(query)}; body: ${defaultedOf(body)} };`;
  })
  .join("\n")}
}

/** What an API key may be allowed to do. */
export type Scope = ${[...scopes].map((scope) => JSON.stringify(scope)).join(" | ")};
`,
);
