/**
 * What of a contract has changed since its last release in a way that can break a client. As a command,
 * `npm run contract:breaking`, compares openapi.yaml with released.json, the contract that was released last.
 */
import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { dereference } from "../server/contract.ts";

// biome-ignore lint/suspicious/noExplicitAny: a part of a contract
type Part = any;

/** What clients send, which must stay accepted, or what they receive, which must stay understood. */
type Direction = "input" | "output";

/** Whether `to` refuses a value that `from` allows, for each keyword of a schema that limits values. */
const narrows: Record<string, (from: Part, to: Part) => boolean> = {
  type: (from, to) => from !== to,
  nullable: (from = false, to = false) => from && !to,
  enum: (from, to) => to !== undefined && !from?.every((value: unknown) => to.includes(value)),
  required: (from = [], to = []) => to.some((name: string) => !from.includes(name)),
  additionalProperties: (from = true, to = true) => from !== false && to !== true && !same(from, to),
  minimum: rises,
  minLength: rises,
  minItems: rises,
  minProperties: rises,
  maximum: falls,
  maxLength: falls,
  maxItems: falls,
  maxProperties: falls,
  "x-max-bytes": falls,
  "x-clamp": (from = {}, to = {}) => rises(from.minimum, to.minimum) || falls(from.maximum, to.maximum),
  exclusiveMinimum: (from = false, to = false) => to && !from,
  exclusiveMaximum: (from = false, to = false) => to && !from,
  uniqueItems: (from = false, to = false) => to && !from,
  // Nobody can tell which of two expressions allows more.
  pattern: isAnother,
  format: isAnother,
  multipleOf: isAnother,
  "x-lexical-pattern": isAnother,
};

/** Keywords of a schema that limit nothing, or that have a rule of their own. */
const unlimiting = new Set(
  "title description example examples externalDocs deprecated default properties items x-error-message".split(
    " ",
  ),
);

function rises(from = Number.NEGATIVE_INFINITY, to = Number.NEGATIVE_INFINITY): boolean {
  return to > from;
}

function falls(from = Number.POSITIVE_INFINITY, to = Number.POSITIVE_INFINITY): boolean {
  return to < from;
}

function isAnother(from: Part, to: Part): boolean {
  return to !== undefined && from !== to;
}

function same(one: Part, other: Part): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/**
 * Every change that can break a client of the released contract, a line for each: where, and what.
 * @param released the contract that clients know
 * @param today the contract that is to replace it
 */
export function breaksOf(released: Part, today: Part): string[] {
  const breaks: string[] = [];
  const report = (where: string, what: string) => void breaks.push(`${where}: ${what}`);
  /** Compares what both have by name, and reports what only the released contract has. */
  function compareAll(
    where: string,
    from: Part,
    to: Part,
    compare: (where: string, from: Part, to: Part) => void,
  ) {
    for (const [name, part] of Object.entries(from ?? {})) {
      const place = where === "" ? name : `${where} ${name}`;
      if (to?.[name] === undefined) report(place, "removed");
      else compare(place, part, to[name]);
    }
  }
  /** Reports where a text or a flag that clients rely on is another. */
  function keep(where: string, what: string, from: Part, to: Part): void {
    if (!same(from, to)) report(where, `${what} was ${JSON.stringify(from)}, is ${JSON.stringify(to)}`);
  }

  function compareSchemas(direction: Direction, where: string, from: Part = {}, to: Part = {}): void {
    for (const keyword of new Set([...Object.keys(from), ...Object.keys(to)])) {
      if (unlimiting.has(keyword)) continue;
      const narrow = narrows[keyword];
      const [before, after] = [from[keyword], to[keyword]];
      // An answer that allows more than it did is to a client what a request is that allows less.
      const breaking = narrow
        ? direction === "input"
          ? narrow(before, after)
          : narrow(after, before)
        : !same(before, after);
      if (breaking) keep(where, keyword, before, after);
    }
    compareAll(where, from.properties, to.properties, (...parts) => compareSchemas(direction, ...parts));
    if (from.items && to.items) compareSchemas(direction, `${where} items`, from.items, to.items);
    if (direction === "output") return;
    keep(where, "default", from.default, to.default);
    for (const [keyword, message] of Object.entries(byKeyword(from["x-error-message"]))) {
      const messages = byKeyword(to["x-error-message"]);
      const kept = keyword === "*" ? Object.values(messages) : [messages[keyword] ?? messages["*"]];
      if (kept.length === 0 || kept.some((text) => text !== message))
        report(where, `message ${JSON.stringify(message)} is another or gone`);
    }
  }

  function compareContent(direction: Direction, where: string, from: Part, to: Part): void {
    compareAll(where, from.content, to.content, (place, one, other) => {
      compareSchemas(direction, place, one.schema, other.schema);
      for (const [message, field] of messagesOf(one)) {
        const messages = messagesOf(other);
        if (!messages.has(message)) report(place, `message ${JSON.stringify(message)} removed`);
        else keep(place, `field of message ${JSON.stringify(message)}`, field, messages.get(message));
      }
    });
  }

  function compareResponses(where: string, from: Part, to: Part): void {
    compareAll(where, from, to, (place, one, other) => {
      compareContent("output", place, one, other);
      compareAll(
        `${place} header`,
        lowerCased(one.headers),
        lowerCased(other.headers),
        (header, before, after) => {
          if (before.required && !after.required) report(header, "no longer always there");
          compareSchemas("output", header, before.schema, after.schema);
        },
      );
    });
    // A client takes an error that it does not know for an error, but knows no other success.
    for (const status of Object.keys(to ?? {}))
      if (!from?.[status] && status < "400") report(`${where} ${status}`, "a new success");
  }

  function compareOperations(where: string, from: Part, to: Part): void {
    keep(where, "operationId", from.operationId, to.operationId);
    for (const tag of from.tags ?? []) if (!to.tags?.includes(tag)) report(where, `tag ${tag} removed`);
    for (const scope of to["x-required-scopes"] ?? [])
      if (!from["x-required-scopes"]?.includes(scope)) report(where, `scope ${scope} is needed`);
    const alternatives: Part[] = to.security?.length ? to.security : [{}];
    for (const credentials of from.security?.length ? from.security : [{}])
      if (!alternatives.some((others) => isWithin(others, credentials)))
        report(where, `security ${JSON.stringify(credentials)} no longer suffices`);

    compareAll(where, from.parameters, to.parameters, (place, one, other) => {
      if (other.required && !one.required) report(place, "required");
      for (const freedom of ["allowEmptyValue", "allowReserved"])
        if (one[freedom] && !other[freedom]) report(place, `no longer ${freedom}`);
      for (const form of ["style", "explode", "content"]) keep(place, form, one[form], other[form]);
      compareSchemas("input", place, one.schema, other.schema);
    });
    for (const [name, { required }] of Object.entries<Part>(to.parameters))
      if (required && !from.parameters[name]) report(`${where} ${name}`, "new and required");

    const body = `${where} body`;
    if (to.requestBody?.required && !from.requestBody?.required) report(body, "required");
    if (from.requestBody && !to.requestBody) report(body, "removed");
    if (from.requestBody && to.requestBody) {
      compareContent("input", body, from.requestBody, to.requestBody);
      if (falls(from.requestBody["x-max-bytes"], to.requestBody["x-max-bytes"]))
        keep(body, "x-max-bytes", from.requestBody["x-max-bytes"], to.requestBody["x-max-bytes"]);
    }
    compareResponses(where, from.responses, to.responses);
  }

  compareAll("server", serversOf(released), serversOf(today), () => {});
  compareAll("schema", released.components?.schemas, today.components?.schemas, () => {});
  compareAll(
    "security scheme",
    released.components?.securitySchemes,
    today.components?.securitySchemes,
    (...parts) => {
      const [where, { description: _, ...from }, { description: __, ...to }] = parts;
      keep(where, "definition", from, to);
    },
  );
  const [from, to] = [dereference(released), dereference(today)];
  compareAll("", operationsOf(from), operationsOf(to), compareOperations);
  compareResponses("any request", from["x-any-request"]?.responses, to["x-any-request"]?.responses);
  return breaks;
}

const methods = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/** The operations by method and path, each with the parameters and the security that hold for it. */
function operationsOf(contract: Part): Part {
  return Object.fromEntries(
    Object.entries<Part>(contract.paths).flatMap(([path, item]) =>
      methods
        .filter((method) => item[method])
        .map((method) => {
          const operation = item[method];
          const parameters = [...(item.parameters ?? []), ...(operation.parameters ?? [])].map(
            (parameter) => [
              `${parameter.in} ${parameter.in === "header" ? parameter.name.toLowerCase() : parameter.name}`,
              parameter,
            ],
          );
          const security = operation.security ?? contract.security;
          return [
            `${method.toUpperCase()} ${path}`,
            { ...operation, security, parameters: Object.fromEntries(parameters) },
          ];
        }),
    ),
  );
}

function serversOf({ servers = [] }: Part): Part {
  return Object.fromEntries(servers.map((server: Part) => [server.url, server]));
}

/** Whether all that `credentials` ask for is among what `given` holds. */
function isWithin(credentials: Part, given: Part): boolean {
  return Object.entries<string[]>(credentials).every(
    ([scheme, scopes]) => scopes.every((scope) => given[scheme]?.includes(scope)) && given[scheme],
  );
}

/** The error messages that a media type shows as examples, each with the `field` beside it. */
function messagesOf(mediaType: Part): Map<string, string | undefined> {
  const values = Object.values<Part>(mediaType.examples ?? {}).map(({ value }) => value);
  return new Map(values.filter((value) => value?.error).map(({ error, field }) => [error, field]));
}

/** `x-error-message` by the keyword that fails; `*` is any. */
function byKeyword(messages: string | Record<string, string> = {}): Record<string, string> {
  return typeof messages === "string" ? { "*": messages } : messages;
}

function lowerCased(headers: Part = {}): Part {
  return Object.fromEntries(Object.entries(headers).map(([name, header]) => [name.toLowerCase(), header]));
}

/** The contract that was released last, and the one of today. */
export function readContracts(): { released: Part; today: Part } {
  const read = (name: string) => readFileSync(new URL(name, import.meta.url), "utf8");
  return { released: JSON.parse(read("released.json")), today: parse(read("openapi.yaml")) };
}

if (process.argv[1] === import.meta.filename) {
  const { released, today } = readContracts();
  const breaks = breaksOf(released, today);
  for (const line of breaks) console.error(line);
  const last = `the released contract, ${released.info.version}`;
  if (breaks.length > 0) console.error(`\nThis can break clients of ${last}.`);
  else console.log(`Nothing can break a client of ${last}.`);
  process.exitCode = breaks.length > 0 ? 1 : 0;
}
