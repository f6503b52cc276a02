import { describe, expect, it } from "vitest";
import { findBreakingChanges, readContracts } from "../../openapi/breakingChanges.ts";
import { runProgram } from "../support/processes.ts";
import { narrowedKeywords } from "./narrowedKeywords.ts";

// biome-ignore lint/suspicious/noExplicitAny: a contract, changed by each row
type Contract = any;
type Change = (contract: Contract) => unknown;

const { released, current } = readContracts();

const list = (c: Contract) => c.paths["/customers"].get;
const create = (c: Contract) => c.paths["/customers"].post;
const one = (c: Contract) => c.paths["/customers/{id}"];
const parameter = (c: Contract, name: string) => list(c).parameters.find((p: Contract) => p.name === name);
const schema = (c: Contract, name: string) => c.components.schemas[name];
const email = (c: Contract) => schema(c, "CustomerCreate").properties.email;
const conflict = (c: Contract) => create(c).responses[409].content["application/json"].examples;
const invalid = (c: Contract) => create(c).responses[400].content["application/json"].examples;
const remove = (values: unknown[], value: unknown) => values.splice(values.indexOf(value), 1);

interface Rule {
  /** Additions to the released contract. */
  before?: Change;
  breaking: Change;
  /** The reports, in order. */
  reports: RegExp[];
  /** The opposite change: nothing is reported. */
  harmless: Change;
}

const rules: Record<string, Rule> = {
  "a removed path, not an added one": {
    breaking: (c) => delete c.paths["/customers/{id}"],
    reports: [/^GET \/customers\/\{id\}: removed$/, /^PATCH \/customers\/\{id\}: removed$/],
    harmless: (c) => (c.paths["/orders"] = c.paths["/customers"]),
  },
  "a removed operation, not an added one": {
    breaking: (c) => delete one(c).patch,
    reports: [/^PATCH \/customers\/\{id\}: removed$/],
    harmless: (c) => (one(c).delete = { operationId: "removeCustomer", responses: {} }),
  },
  "a changed operationId, not a changed summary": {
    breaking: (c) => (list(c).operationId = "findCustomers"),
    reports: [/^GET \/customers: operationId was "listCustomers", is "findCustomers"$/],
    harmless: (c) => (list(c).summary = "Find customers"),
  },
  "a removed tag, not an added one": {
    breaking: (c) => (list(c).tags = []),
    reports: [/^GET \/customers: tag Customers removed$/],
    harmless: (c) => list(c).tags.push("Lists"),
  },
  "a renamed schema, not an added one": {
    before: (c) => (c.components.schemas.Extra = { type: "string" }),
    breaking: (c) => delete c.components.schemas.Extra,
    reports: [/^schema Extra: removed$/],
    harmless: (c) => (c.components.schemas.More = { type: "string" }),
  },
  "a removed server, not an added one": {
    breaking: (c) => c.servers.shift(),
    reports: [/^server https:\/\/distribu.app\/api\/v1: removed$/],
    harmless: (c) => c.servers.push({ url: "https://eu.distribu.app/api/v1" }),
  },
  "a removed success status, not an added error status": {
    breaking: (c) => delete create(c).responses[201],
    reports: [/^POST \/customers 201: removed$/],
    harmless: (c) => (create(c).responses[402] = create(c).responses[409]),
  },
  "a removed error status, not a reworded description": {
    breaking: (c) => delete create(c).responses[409],
    reports: [/^POST \/customers 409: removed$/],
    harmless: (c) => (create(c).responses[409].description = "Taken."),
  },
  "an added success status, not a reworded description": {
    breaking: (c) => (create(c).responses[202] = create(c).responses[201]),
    reports: [/^POST \/customers 202: new successful response$/],
    harmless: (c) => (create(c).responses[201].description = "Done."),
  },
  "a removed status of any request, not an added one": {
    breaking: (c) => delete c["x-any-request"].responses[405],
    reports: [/^any request 405: removed$/],
    harmless: (c) => (c["x-any-request"].responses[414] = c["x-any-request"].responses[404]),
  },
  "a field removed from responses, not an added one": {
    before: (c) => (schema(c, "Pagination").properties.total = { type: "integer" }),
    breaking: (c) => delete schema(c, "Pagination").properties.total,
    reports: [/^GET \/customers 200 application\/json pagination total: removed$/],
    harmless: (c) => (schema(c, "Pagination").properties.pages = { type: "integer" }),
  },
  "a field removed from requests, not an added one": {
    breaking: (c) => delete schema(c, "CustomerCreate").properties.notes,
    reports: [/^POST \/customers body application\/json notes: removed$/],
    harmless: (c) => (schema(c, "CustomerCreate").properties.phone = { type: "string" }),
  },
  "a field removed within a list of a response, not an added one": {
    before: (c) => (schema(c, "Customer").properties.phone = { type: "string" }),
    breaking: (c) => delete schema(c, "Customer").properties.phone,
    reports: [
      /^GET \/customers 200 application\/json data items phone: removed$/,
      /^POST \/customers 201 application\/json data phone: removed$/,
      /^GET \/customers\/\{id\} 200 application\/json data phone: removed$/,
      /^PATCH \/customers\/\{id\} 200 application\/json data phone: removed$/,
    ],
    harmless: (c) => (schema(c, "Customer").properties.fax = { type: "string" }),
  },
  "a removed parameter, not an added one": {
    breaking: (c) => remove(list(c).parameters, parameter(c, "search")),
    reports: [/^GET \/customers query search: removed$/],
    harmless: (c) => list(c).parameters.push({ name: "sort", in: "query", schema: { type: "string" } }),
  },
  "a new required parameter, not a new optional one": {
    breaking: (c) => list(c).parameters.push({ name: "store", in: "query", required: true }),
    reports: [/^GET \/customers query store: new and required$/],
    harmless: (c) => list(c).parameters.push({ name: "store", in: "query", required: false }),
  },
  "a new required parameter of a whole path, not a new optional one": {
    breaking: (c) => one(c).parameters.push({ name: "X-Store", in: "header", required: true }),
    reports: [/^GET .* header x-store: new and required$/, /^PATCH .* header x-store: new and required$/],
    harmless: (c) => one(c).parameters.push({ name: "X-Store", in: "header" }),
  },
  "a parameter made required, not one made optional": {
    before: (c) => (parameter(c, "limit").required = true),
    breaking: (c) => (parameter(c, "status").required = true),
    reports: [/^GET \/customers query status: now required$/],
    harmless: (c) => delete parameter(c, "limit").required,
  },
  "a parameter that may no longer be empty, not one that now may": {
    breaking: (c) => delete parameter(c, "search").allowEmptyValue,
    reports: [/^GET \/customers query search: allowEmptyValue removed$/],
    harmless: (c) => (parameter(c, "status").allowEmptyValue = true),
  },
  "a parameter whose characters must now be escaped, not the opposite": {
    breaking: (c) => delete parameter(c, "search").allowReserved,
    reports: [/^GET \/customers query search: allowReserved removed$/],
    harmless: (c) => (parameter(c, "cursor").allowReserved = true),
  },
  "a parameter in another style, not with another example": {
    breaking: (c) => (parameter(c, "status").style = "spaceDelimited"),
    reports: [/^GET \/customers query status: style was/],
    harmless: (c) => (parameter(c, "status").example = "BLOCKED"),
  },
  "a renamed request header, not one in another case": {
    breaking: (c) => (create(c).parameters[0].name = "Idempotency"),
    reports: [/^POST \/customers header idempotency-key: removed$/],
    harmless: (c) => (create(c).parameters[0].name = "idempotency-key"),
  },
  "a changed default of a parameter, not of a response": {
    breaking: (c) => (parameter(c, "limit").schema.default = 20),
    reports: [/^GET \/customers query limit: default was 50, is 20$/],
    harmless: (c) => (schema(c, "Pagination").properties.hasMore.default = false),
  },
  "an added default of a field, not its deprecation": {
    breaking: (c) => (schema(c, "CustomerNotes").default = ""),
    reports: [/^POST .* notes: default was undefined, is ""$/, /^PATCH .* notes: default was undefined/],
    harmless: (c) => (schema(c, "CustomerNotes").deprecated = true),
  },
  "a body made required, not one made optional": {
    before: (c) => (create(c).requestBody.required = false),
    breaking: (c) => (create(c).requestBody.required = true),
    reports: [/^POST \/customers body: now required$/],
    harmless: (c) => (one(c).patch.requestBody.required = false),
  },
  "a removed request body, not an added optional one": {
    breaking: (c) => delete one(c).patch.requestBody,
    reports: [/^PATCH \/customers\/\{id\} body: removed$/],
    harmless: (c) => (list(c).requestBody = { content: {} }),
  },
  "a lower size limit of a body, not a higher one": {
    breaking: (c) => (create(c).requestBody["x-max-bytes"] = 1024),
    reports: [/^POST \/customers body: x-max-bytes was 65536, is 1024$/],
    harmless: (c) => (create(c).requestBody["x-max-bytes"] = 131_072),
  },
  "a removed media type of requests, not an added one": {
    breaking: (c) => (create(c).requestBody.content = { "application/xml": {} }),
    reports: [/^POST \/customers body application\/json: removed$/],
    harmless: (c) => (create(c).requestBody.content["application/xml"] = {}),
  },
  "a removed media type of responses, not an added one": {
    breaking: (c) => (list(c).responses[200].content = { "application/xml": {} }),
    reports: [/^GET \/customers 200 application\/json: removed$/],
    harmless: (c) => (list(c).responses[200].content["application/xml"] = {}),
  },
  "a removed response header, not an added one": {
    breaking: (c) => delete create(c).responses[201].headers.Location,
    reports: [/^POST \/customers 201 header location: removed$/],
    harmless: (c) => (create(c).responses[201].headers.Link = { schema: { type: "string" } }),
  },
  "a response header that is no longer required, not one that now is": {
    breaking: (c) => (create(c).responses[201].headers.Location.required = false),
    reports: [/^POST \/customers 201 header location: no longer always present$/],
    harmless: (c) => (create(c).responses[201].headers["Idempotent-Replayed"].required = true),
  },
  "a response header with another pattern, not one in another case": {
    breaking: (c) => (create(c).responses[201].headers.Location.schema.pattern = "^https:"),
    reports: [/^POST \/customers 201 header location: pattern was/],
    harmless(c) {
      const { headers } = create(c).responses[201];
      headers.location = headers.Location;
      delete headers.Location;
    },
  },
  "a newly required scope, not a dropped one": {
    breaking: (c) => list(c)["x-required-scopes"].push("customers:list"),
    reports: [/^GET \/customers: scope customers:list is now required$/],
    harmless: (c) => (list(c)["x-required-scopes"] = []),
  },
  "a renamed scope, not an operation that requires none": {
    breaking: (c) => (list(c)["x-required-scopes"] = ["customers:list"]),
    reports: [/^GET \/customers: scope customers:list is now required$/],
    harmless: (c) => delete list(c)["x-required-scopes"],
  },
  "credentials that no longer suffice, not an added alternative": {
    breaking: (c) => (list(c).security = [{ apiKey: [], mutualTls: [] }]),
    reports: [/^GET \/customers: security \{"apiKey":\[\]\} no longer suffices$/],
    harmless: (c) => (list(c).security = [{ apiKey: [] }, { mutualTls: [] }]),
  },
  "newly required credentials, not dropped ones": {
    before: (c) => (list(c).security = []),
    breaking: (c) => delete list(c).security,
    reports: [/^GET \/customers: security \{\} no longer suffices$/],
    harmless: (c) => (create(c).security = []),
  },
  "another authentication scheme, not another description of it": {
    breaking: (c) => (c.components.securitySchemes.apiKey.scheme = "basic"),
    reports: [/^security scheme apiKey: definition was .*"bearer".* is .*"basic"/],
    harmless: (c) => (c.components.securitySchemes.apiKey.description = "A key."),
  },
  "a reworded error message, not an added one": {
    breaking: (c) => (conflict(c).emailExists.value.error = "Email taken."),
    reports: [
      /^POST \/customers 409 .*: error message "A customer with this email already exists." removed$/,
    ],
    harmless: (c) => (conflict(c).phoneExists = { value: { error: "Phone taken." } }),
  },
  "another field of an error message, not another name or summary of its example": {
    breaking: (c) => (invalid(c).emailRequired.value.field = "mail"),
    reports: [/: field of error message "Email is required." was "email", is "mail"$/],
    harmless(c) {
      invalid(c).missing = { ...invalid(c).emailRequired, summary: "Missing" };
      delete invalid(c).emailRequired;
    },
  },
  "a changed x-error-message of a keyword, not an added one": {
    breaking: (c) => (email(c)["x-error-message"].pattern = "Email is required."),
    reports: [/ email: error message "Invalid email address." was changed or removed$/],
    harmless: (c) => (email(c)["x-error-message"].format = "Invalid email address."),
  },
  "an x-error-message that no longer covers a keyword, not one listed by keyword": {
    breaking: (c) =>
      (parameter(c, "status").schema["x-error-message"] = { enum: "Invalid status.", type: "Other." }),
    reports: [/^GET \/customers query status: error message "Invalid status." was changed or removed$/],
    harmless: (c) => (parameter(c, "status").schema["x-error-message"] = { enum: "Invalid status." }),
  },
  "an added keyword without a rule, not one that only describes": {
    breaking: (c) => (schema(c, "Pagination").not = {}),
    reports: [/^GET \/customers 200 application\/json pagination: not was undefined, is \{\}$/],
    harmless: (c) => (schema(c, "Pagination").title = "Pagination"),
  },
};

function applyChange(from: Contract, change: Change): Contract {
  const to = structuredClone(from);
  change(to);
  return to;
}

describe("contract:breaking", () => {
  // The title names the breaking change and, after ", not", one that does not break clients.
  const titled = Object.entries(rules).map(([rule, test]) => [rule.replace(/, not .*/, ""), test] as const);
  it.each(titled)("breaking: %s → reported", (_rule, { before = () => {}, breaking, reports, harmless }) => {
    const from = applyChange(current, before);
    expect(findBreakingChanges(from, applyChange(from, breaking))).toEqual(
      reports.map((report) => expect.stringMatching(report)),
    );
    expect(applyChange(from, harmless)).not.toEqual(from);
    expect(findBreakingChanges(from, applyChange(from, harmless))).toEqual([]);
  });

  /** Finds the breaking changes if a field of a request or a response changes from one schema to another. */
  function findFieldChanges(direction: "request" | "response", from: object, to: object): string[] {
    const [before, after] = [from, to].map((field) =>
      applyChange(current, (c) => {
        const name = direction === "request" ? "CustomerCreate" : "Pagination";
        schema(c, name).properties.field = field;
      }),
    );
    return findBreakingChanges(before, after);
  }

  it.each(Object.entries(narrowedKeywords))(
    "breaking: %s narrower in requests, wider in responses → found",
    (_keyword, [allowed, narrower, wider]) => {
      const keyword = Object.keys(allowed).at(-1);
      const found = [expect.stringMatching(new RegExp(` field: ${keyword} was .*, is `))];
      expect(findFieldChanges("request", allowed, narrower)).toEqual(found);
      expect(findFieldChanges("response", narrower, allowed)).toEqual(found);
      expect(findFieldChanges("response", allowed, narrower)).toEqual([]);
      expect(findFieldChanges("request", allowed, wider)).toEqual([]);
      expect(findFieldChanges("request", allowed, structuredClone(allowed))).toEqual([]);
    },
  );

  it.each([
    ["pattern", "^a", "^ab"],
    ["format", "date", "date-time"],
    ["multipleOf", 2, 3],
    ["x-lexical-pattern", "^1", "^12"],
  ])("breaking: %s changed, or new in requests → reported", (keyword, old, other) => {
    const [none, one, another] = [{}, { [keyword]: old }, { [keyword]: other }];
    const found = [expect.stringContaining(` field: ${keyword} was `)];
    expect(findFieldChanges("request", one, another)).toEqual(found);
    expect(findFieldChanges("response", one, another)).toEqual(found);
    expect(findFieldChanges("request", none, one)).toEqual(found);
    expect(findFieldChanges("response", one, none)).toEqual(found);
    expect(findFieldChanges("request", one, none)).toEqual([]);
    expect(findFieldChanges("response", none, one)).toEqual([]);
  });

  it("breaking: null removed from requests, added to responses → reported", () => {
    const [never, maybe] = [{ type: "string" }, { type: "string", nullable: true }];
    expect(findFieldChanges("request", maybe, never)).toEqual([
      expect.stringMatching(/nullable was true, is undefined$/),
    ]);
    expect(findFieldChanges("response", never, maybe)).toEqual([
      expect.stringMatching(/nullable was undefined, is true$/),
    ]);
    expect(findFieldChanges("request", never, maybe)).toEqual([]);
    expect(findFieldChanges("response", maybe, never)).toEqual([]);
  });

  it.each(["request", "response"] as const)(
    "breaking: another type in a %s → reported, a description is not",
    (direction) => {
      expect(findFieldChanges(direction, { type: "integer" }, { type: "number" })).toHaveLength(1);
      expect(findFieldChanges(direction, { type: "number" }, { type: "integer" })).toHaveLength(1);
      expect(
        findFieldChanges(direction, { type: "number" }, { type: "number", description: "A sum." }),
      ).toEqual([]);
    },
  );

  it("breaking: open schema, or no change → nothing", () => {
    expect(findFieldChanges("response", { additionalProperties: true }, {})).toEqual([]);
    expect(findBreakingChanges(current, structuredClone(current))).toEqual([]);
  });
});

describe("npm run contract:breaking", () => {
  it("npm run contract:breaking: unchanged contract → exit code 0", async () => {
    const { code, stdout, stderr } = await runProgram("npm", ["run", "--silent", "contract:breaking"]);
    expect(stderr).toBe("");
    const last = released.info.version;
    expect(stdout).toBe(`No change can break a client of the released contract, ${last}.\n`);
    expect(code).toBe(0);
  });
});
