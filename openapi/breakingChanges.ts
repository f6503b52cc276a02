/**
 * Finds changes of the contract since the last release that can break a client. As a command, `npm run
 * contract:breaking`, it compares openapi.yaml with released.json, which has no paths before the first release.
 */
import { readFileSync } from "node:fs";
import { dereference } from "../server/contract.ts";
import { type Part, readContract } from "./contractFile.ts";
import { falls, ignoredKeywords, narrows, same } from "./schemaKeywords.ts";

/** `input` is sent by clients and must still be accepted; `output` is received by clients and must still be valid. */
type Direction = "input" | "output";

/**
 * Lists the changes that can break a client, one per line: the location and the change.
 * @param released the contract that clients were written for
 * @param current the contract that replaces it
 */
export function findBreakingChanges(released: Part, current: Part): string[] {
  const changes: string[] = [];
  const report = (where: string, what: string) => void changes.push(`${where}: ${what}`);
  /** Compares the parts that both have, by name, and reports those that only the released contract has. */
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
  /** Reports a value that clients rely on, if it differs. */
  function reportDifference(where: string, what: string, from: Part, to: Part): void {
    if (!same(from, to)) report(where, `${what} was ${JSON.stringify(from)}, is ${JSON.stringify(to)}`);
  }

  function compareSchemas(direction: Direction, where: string, from: Part = {}, to: Part = {}): void {
    for (const keyword of new Set([...Object.keys(from), ...Object.keys(to)])) {
      if (ignoredKeywords.has(keyword)) continue;
      const narrow = narrows[keyword];
      const [before, after] = [from[keyword], to[keyword]];
      // A response that may contain more breaks clients, just like a request that may contain less.
      const breaking = narrow
        ? direction === "input"
          ? narrow(before, after)
          : narrow(after, before)
        : !same(before, after);
      if (breaking) reportDifference(where, keyword, before, after);
    }
    compareAll(where, from.properties, to.properties, (...parts) => compareSchemas(direction, ...parts));
    if (from.items && to.items) compareSchemas(direction, `${where} items`, from.items, to.items);
    if (direction === "output") return;
    reportDifference(where, "default", from.default, to.default);
    for (const [keyword, message] of Object.entries(groupByKeyword(from["x-error-message"]))) {
      const messages = groupByKeyword(to["x-error-message"]);
      const kept = keyword === "*" ? Object.values(messages) : [messages[keyword] ?? messages["*"]];
      if (kept.length === 0 || kept.some((text) => text !== message))
        report(where, `error message ${JSON.stringify(message)} was changed or removed`);
    }
  }

  function compareContent(direction: Direction, where: string, from: Part, to: Part): void {
    compareAll(where, from.content, to.content, (place, one, other) => {
      compareSchemas(direction, place, one.schema, other.schema);
      for (const [message, field] of listMessages(one)) {
        const messages = listMessages(other);
        if (!messages.has(message)) report(place, `error message ${JSON.stringify(message)} removed`);
        else
          reportDifference(
            place,
            `field of error message ${JSON.stringify(message)}`,
            field,
            messages.get(message),
          );
      }
    });
  }

  function compareResponses(where: string, from: Part, to: Part): void {
    compareAll(where, from, to, (place, one, other) => {
      compareContent("output", place, one, other);
      compareAll(
        `${place} header`,
        lowerCaseNames(one.headers),
        lowerCaseNames(other.headers),
        (header, before, after) => {
          if (before.required && !after.required) report(header, "no longer always present");
          compareSchemas("output", header, before.schema, after.schema);
        },
      );
    });
    // Clients treat every 4xx and 5xx as an error, but handle only the successful responses that they know.
    for (const status of Object.keys((from && to) ?? {}))
      if (!from[status] && status < "400") report(`${where} ${status}`, "new successful response");
  }

  function compareOperations(where: string, from: Part, to: Part): void {
    reportDifference(where, "operationId", from.operationId, to.operationId);
    for (const tag of from.tags ?? []) if (!to.tags?.includes(tag)) report(where, `tag ${tag} removed`);
    for (const scope of to["x-required-scopes"] ?? [])
      if (!from["x-required-scopes"]?.includes(scope)) report(where, `scope ${scope} is now required`);
    const alternatives: Part[] = to.security?.length ? to.security : [{}];
    for (const credentials of from.security?.length ? from.security : [{}])
      if (!alternatives.some((others) => isWithin(others, credentials)))
        report(where, `security ${JSON.stringify(credentials)} no longer suffices`);

    compareAll(where, from.parameters, to.parameters, (place, one, other) => {
      if (other.required && !one.required) report(place, "now required");
      for (const freedom of ["allowEmptyValue", "allowReserved"])
        if (one[freedom] && !other[freedom]) report(place, `${freedom} removed`);
      for (const form of ["style", "explode", "content"])
        reportDifference(place, form, one[form], other[form]);
      compareSchemas("input", place, one.schema, other.schema);
    });
    for (const [name, { required }] of Object.entries<Part>(to.parameters))
      if (required && !from.parameters[name]) report(`${where} ${name}`, "new and required");

    const body = `${where} body`;
    if (to.requestBody?.required && !from.requestBody?.required) report(body, "now required");
    if (from.requestBody && !to.requestBody) report(body, "removed");
    if (from.requestBody && to.requestBody) {
      compareContent("input", body, from.requestBody, to.requestBody);
      if (falls(from.requestBody["x-max-bytes"], to.requestBody["x-max-bytes"]))
        reportDifference(body, "x-max-bytes", from.requestBody["x-max-bytes"], to.requestBody["x-max-bytes"]);
    }
    compareResponses(where, from.responses, to.responses);
  }

  compareAll("server", readServers(released), readServers(current), () => {});
  compareAll("schema", released.components?.schemas, current.components?.schemas, () => {});
  compareAll(
    "security scheme",
    released.components?.securitySchemes,
    current.components?.securitySchemes,
    (...parts) => {
      const [where, { description: _, ...from }, { description: __, ...to }] = parts;
      reportDifference(where, "definition", from, to);
    },
  );
  const [from, to] = [dereference(released), dereference(current)];
  compareAll("", listOperations(from), listOperations(to), compareOperations);
  compareResponses("any request", from["x-any-request"]?.responses, to["x-any-request"]?.responses);
  return changes;
}

const methods = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/** Returns the operations by method and path, each with the parameters and security that apply to it. */
function listOperations(contract: Part): Part {
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

function readServers({ servers = [] }: Part): Part {
  return Object.fromEntries(servers.map((server: Part) => [server.url, server]));
}

/** Whether `given` includes everything that `credentials` requires. */
function isWithin(credentials: Part, given: Part): boolean {
  return Object.entries<string[]>(credentials).every(
    ([scheme, scopes]) => scopes.every((scope) => given[scheme]?.includes(scope)) && given[scheme],
  );
}

/** Returns the error messages in the examples of a media type, each with its `field`. */
function listMessages(mediaType: Part): Map<string, string | undefined> {
  const values = Object.values<Part>(mediaType.examples ?? {}).map(({ value }) => value);
  return new Map(values.filter((value) => value?.error).map(({ error, field }) => [error, field]));
}

/** Returns `x-error-message` by failing keyword; `*` stands for all keywords. */
function groupByKeyword(messages: string | Record<string, string> = {}): Record<string, string> {
  return typeof messages === "string" ? { "*": messages } : messages;
}

function lowerCaseNames(headers: Part = {}): Part {
  return Object.fromEntries(Object.entries(headers).map(([name, header]) => [name.toLowerCase(), header]));
}

/** Reads the contract of the last release, which is empty before the first, and the current one. */
export function readContracts(): { released: Part; current: Part } {
  const released = JSON.parse(readFileSync(new URL("released.json", import.meta.url), "utf8"));
  return { released, current: readContract() };
}

if (process.argv[1] === import.meta.filename) {
  const { released, current } = readContracts();
  const changes = findBreakingChanges(released, current);
  for (const line of changes) console.error(line);
  const last = `the released contract, ${released.info.version}`;
  if (changes.length > 0) console.error(`\nThese changes can break clients of ${last}.`);
  else console.log(`No change can break a client of ${last}.`);
  process.exitCode = changes.length > 0 ? 1 : 0;
}
