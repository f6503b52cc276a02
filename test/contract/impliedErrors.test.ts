import { describe, expect, it } from "vitest";
import { type Part, readContract } from "../../openapi/contractFile.ts";
import { findMissingErrors } from "../../openapi/impliedErrors.ts";
import { findAmbiguousTemplates } from "../../server/pathTemplates.ts";

const current = readContract();
const list = (c: Part) => c.paths["/customers"].get;
const create = (c: Part) => c.paths["/customers"].post;
const one = (c: Part) => c.paths["/customers/{id}"];
const examples = (operation: Part) => operation.responses["400"].content["application/json"].examples;
const schema = (c: Part, name: string) => c.components.schemas[name];
const parameter = (operation: Part, name: string) =>
  operation.parameters.find((candidate: Part) => candidate.name === name);

/** Changes of the contract, each with the errors that are then missing. */
const changes: [change: string, apply: (contract: Part) => unknown, missing: string[]][] = [
  [
    "no example of an unknown parameter",
    (c) => delete examples(list(c)).unknownQueryParameter,
    [
      'listCustomers: no 400 example has the error message "Unknown query parameter.", which every request implies',
    ],
  ],
  [
    "no example of a repeated parameter",
    (c) => delete examples(list(c)).repeatedQueryParameter,
    [
      "limit",
      ...list(current)
        .parameters.map(({ name }: Part) => name)
        .filter((name: string) => name !== "limit"),
    ].map(
      (name) =>
        `listCustomers: no 400 example has the error message "Query parameter was given more than once.", which query parameter ${name} implies`,
    ),
  ],
  [
    "no example of an undecodable path",
    (c) => delete examples(create(c)).malformedRequest,
    [
      'createCustomer: no 400 example has the error message "Malformed request.", which every request implies',
    ],
  ],
  [
    "no example of invalid JSON",
    (c) => delete examples(create(c)).invalidJson,
    ['createCustomer: no 400 example has the error message "Invalid JSON body.", which the body implies'],
  ],
  [
    "no example of an unknown field",
    (c) => delete examples(one(c).patch).unknownField,
    [
      'updateCustomer: no 400 example has the error message "Unknown field.", which additionalProperties: false implies',
    ],
  ],
  [
    "no example of a rejected field",
    (c) => delete examples(one(c).patch).emailGiven,
    [
      'updateCustomer: no 400 example has the error message "Email cannot be changed.", which the rejected field email implies',
    ],
  ],
  [
    "no example of a field behind a reference",
    (c) => delete examples(create(c)).notes,
    [
      'createCustomer: no 400 example has the error message "Notes must be at most 2000 characters.", which field notes implies',
    ],
  ],
  [
    "no example of one of a field's error messages",
    (c) => delete examples(create(c)).emailRequired,
    ['createCustomer: no 400 example has the error message "Email is required.", which field email implies'],
  ],
  [
    "no example of a query parameter",
    (c) => delete examples(list(c)).cursor,
    [
      'listCustomers: no 400 example has the error message "Invalid cursor.", which query parameter cursor implies',
    ],
  ],
  [
    "no example of a header parameter",
    (c) => delete examples(create(c)).idempotencyKey,
    [
      'createCustomer: no 400 example has the error message "Invalid Idempotency-Key.", which header parameter Idempotency-Key implies',
    ],
  ],
  [
    "a changed x-error-message",
    (c) => (schema(c, "CustomerName")["x-error-message"] = "Name is too long."),
    [
      'createCustomer: no 400 example has the error message "Name is too long.", which field name implies',
      'updateCustomer: no 400 example has the error message "Name is too long.", which field name implies',
    ],
  ],
  [
    "a new field without an x-error-message",
    (c) => (schema(c, "CustomerUpdate").properties.phone = { type: "string", maxLength: 30 }),
    ["updateCustomer: field phone has no x-error-message"],
  ],
  [
    "a new field with another error message",
    (c) => (schema(c, "CustomerUpdate").properties.phone = { "x-error-message": "Invalid phone." }),
    ['updateCustomer: no 400 example has the error message "Invalid phone.", which field phone implies'],
  ],
  [
    "a restricted parameter without an x-error-message",
    (c) => list(c).parameters.push({ name: "since", in: "query", schema: { type: "string", minLength: 1 } }),
    ["listCustomers: query parameter since has no x-error-message"],
  ],
  [
    "a restricted parameter of the whole path",
    (c) =>
      (one(c).parameters[0].schema = { type: "string", pattern: "^c", "x-error-message": "Invalid id." }),
    [
      'getCustomer: no 400 example has the error message "Invalid id.", which path parameter id implies',
      'updateCustomer: no 400 example has the error message "Invalid id.", which path parameter id implies',
    ],
  ],
  [
    "a body that accepts unknown fields",
    (c) => delete schema(c, "CustomerCreate").additionalProperties,
    ["createCustomer: the body accepts unknown fields: set additionalProperties to false"],
  ],
  [
    "no 415",
    (c) => delete create(c).responses["415"],
    [
      'createCustomer: no 415 example has the error message "Content-Type must be application/json.", which the body implies',
    ],
  ],
  [
    "no 413",
    (c) => delete one(c).patch.responses["413"],
    [
      'updateCustomer: no 413 example has the error message "Request body is too large.", which the body\'s x-max-bytes implies',
    ],
  ],
  [
    "no size limit of the body",
    (c) => delete create(c).requestBody["x-max-bytes"],
    ["createCustomer: the body has no x-max-bytes"],
  ],
  [
    "the 403 of another scope",
    (c) => (one(c).get.responses["403"] = create(c).responses["403"]),
    ["getCustomer: 403 has no error message that names the scope customers:read"],
  ],
  [
    "no 401",
    (c) => delete one(c).get.responses["401"],
    [
      'getCustomer: no 401 example has the error message "Missing or malformed Authorization header. Use: Bearer <api_key>", which the API key implies',
      'getCustomer: no 401 example has the error message "This API key is invalid, expired or revoked.", which the API key implies',
    ],
  ],
  [
    "no 429",
    (c) => delete list(c).responses["429"],
    ['listCustomers: no 429 example has the error message "Rate limit exceeded.", which the API key implies'],
  ],
  [
    "no 500",
    (c) => delete list(c).responses["500"],
    [
      'listCustomers: no 500 example has the error message "Internal server error.", which every request implies',
    ],
  ],
  [
    "no 503",
    (c) => delete list(c).responses["503"],
    [
      'listCustomers: no 503 example has the error message "Service temporarily unavailable.", which every request implies',
    ],
  ],
  [
    "no scope",
    (c) => delete list(c)["x-required-scopes"],
    ["listCustomers: no x-required-scopes, which the API key implies"],
  ],
  [
    "no 404 for an id",
    (c) => delete one(c).get.responses["404"],
    ["getCustomer: no response 404, which path parameter id implies"],
  ],
  [
    "no 304 for If-None-Match",
    (c) => delete one(c).get.responses["304"],
    ["getCustomer: no response 304, which header parameter If-None-Match implies"],
  ],
  [
    "no 412 for If-Match",
    (c) => delete one(c).patch.responses["412"],
    ["updateCustomer: no response 412, which header parameter If-Match implies"],
  ],
  [
    "no 422 for Idempotency-Key",
    (c) => delete create(c).responses["422"],
    ["createCustomer: no response 422, which header parameter Idempotency-Key implies"],
  ],
];

describe("generate", () => {
  it("generate: unchanged contract → nothing missing", () => {
    expect(findMissingErrors(current)).toEqual([]);
  });

  it.each(changes)("generate: %s → named", (_change, apply, missing) => {
    const contract = structuredClone(current);
    apply(contract);
    expect(findMissingErrors(contract)).toEqual(missing);
  });

  it("generate: changed x-error-message of a header parameter → named", () => {
    const contract = structuredClone(current);
    parameter(create(contract), "Idempotency-Key").schema["x-error-message"] = "Bad key.";
    expect(findMissingErrors(contract)).toEqual([
      'createCustomer: no 400 example has the error message "Bad key.", which header parameter Idempotency-Key implies',
    ]);
  });
});

describe("ambiguous path templates", () => {
  it.each([
    [["/customers/{id}", "/customers/{email}"]],
    [["/customers/{id}/{part}", "/customers/{id}/{field}"]],
    [["/customers/{id}/notes", "/customers/count/{year}"]],
    [["/{resource}/count", "/customers/{id}"]],
  ])("generate: %j → ambiguous", ([one, other]) => {
    expect(findAmbiguousTemplates([one as string, other as string])).toEqual([
      `${one} and ${other} match the same paths, and neither is more literal`,
    ]);
  });

  it.each([
    [["/customers", "/customers/{id}"]],
    [["/customers/{id}", "/customers/count"]],
    [["/customers/{id}/notes", "/customers/{id}/orders"]],
    [["/a/{id}/{part}", "/a/{id}/notes", "/a/count/notes"]],
    [["/orders/{id}", "/customers/{id}"]],
  ])("generate: %j → accepted", (paths) => {
    expect(findAmbiguousTemplates(paths)).toEqual([]);
  });
});
