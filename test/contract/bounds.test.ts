/** The formats and the bounds of values: responses state them, for generators and testers. */
import { expect, it } from "vitest";
import { contract, operations } from "../../server/contract.ts";
import { findResponses } from "../../server/contractCheck.ts";

// biome-ignore lint/suspicious/noExplicitAny: a part of the contract
type Part = any;

/** Every schema of a value within a part of the contract, with its place. */
function listSchemas(part: Part, place: string): { place: string; schema: Part }[] {
  if (part === null || typeof part !== "object") return [];
  const own = typeof part.type === "string" && part.type !== "object" ? [{ place, schema: part }] : [];
  const children = Object.entries(part).filter(([name]) => name !== "example" && name !== "examples");
  return [...own, ...children.flatMap(([name, child]) => listSchemas(child, `${place}/${name}`))];
}

const responses = [...operations, undefined].flatMap((operation) =>
  listSchemas(findResponses(operation), operation?.operationId ?? "any"),
);
const requests = operations.flatMap(({ template, method, operationId }) => {
  const { parameters, [method.toLowerCase()]: operation } = contract.paths[template];
  return listSchemas([parameters, operation.parameters, operation.requestBody], operationId);
});

it("responses: every number, string and array → has a format or bounds", () => {
  const isBounded: Record<string, (schema: Part) => boolean> = {
    integer: ({ format, minimum }) => format === "int32" && minimum !== undefined,
    number: ({ format, minimum, maximum }) => format === "double" && minimum < maximum,
    string: ({ maxLength, format, enum: values }) => maxLength > 0 || format === "date-time" || values,
    array: ({ maxItems }) => maxItems === 100,
    boolean: () => true,
  };
  const unbounded = responses.filter(({ schema }) => !isBounded[schema.type]?.(schema));
  // It begins with the path of the server's URL, whose length is the deployment's choice.
  expect(unbounded.map(({ place }) => place)).toEqual(["createCustomer/201/headers/Location/schema"]);
  expect(new Set(responses.map(({ schema }) => schema.type))).toEqual(new Set(Object.keys(isBounded)));
});

it("requests: numbers and strings → no format, which would reject accepted values", () => {
  expect(requests.length).toBeGreaterThan(10);
  expect(requests.filter(({ schema }) => "format" in schema)).toEqual([]);
});
