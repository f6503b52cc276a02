import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type ContractClient,
  createContractClient,
  getOperation,
} from "../../server/commands/contractClient.ts";
import { contract, type Operation, operations } from "../../server/contract.ts";
import { findResponses, findSchemaErrors } from "../../server/contractCheck.ts";
import type { OperationId } from "../../server/operations.ts";
import { startServer, type TestServer } from "../support/server.ts";

// biome-ignore lint/suspicious/noExplicitAny: a part of the contract
type Part = any;

/** Finds everything in the contract that has a schema (parameters, headers and bodies), with its location. */
function findDescribed(node: Part, place: string): { place: string; described: Part }[] {
  if (node === null || typeof node !== "object") return [];
  if ("schema" in node) return [{ place, described: node }];
  return Object.entries(node).flatMap(([key, child]) => findDescribed(child, `${place}/${key}`));
}

const everything = findDescribed({ ...contract.paths, any: contract["x-any-request"] }, "");

/** The examples of a parameter, a header or a body, by name. */
function listExamples(described: Part): [name: string, value: unknown][] {
  const named = Object.entries<Part>(described.examples ?? {});
  const only: [string, unknown][] = "example" in described ? [["example", described.example]] : [];
  return [...only, ...named.map(([name, example]): [string, unknown] => [name, example.value])];
}

it("examples: every parameter and body → has one", () => {
  const without = everything.filter(({ described }) => listExamples(described).length === 0);
  expect(without.map(({ place }) => place).filter((place) => !place.includes("/headers/"))).toEqual([]);
});

it("examples: every value → conforms to its schema, no further field", () => {
  const differences = everything.flatMap(({ place, described }) =>
    listExamples(described).flatMap(([name, value]) =>
      findSchemaErrors(described.schema, value).map(
        (error) => `${place}: ${name}${error.instancePath} ${error.message}`,
      ),
    ),
  );
  expect(differences).toEqual([]);
});

describe("examples", () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer();
  });
  afterAll(() => server.stop());

  /** Creates a client for a new company, because several examples have the same email. */
  async function createApiFor(company: string): Promise<ContractClient> {
    return createContractClient({ url: server.url, key: await server.createKey({ company }) });
  }

  const requests = operations.flatMap((operation) =>
    Object.entries(listRequestExamples(operation)).map(
      ([name, body]) => [operation.operationId, name, body] as const,
    ),
  );
  it.each(requests)("%s: example %s → the response example of that name", async (id, name, body) => {
    const api = await createApiFor(`${id}-${name}`);
    const customer = id === "createCustomer" ? {} : await createExample(api);
    const response = await api.call(id, { ...customer, body: JSON.stringify(body) });
    expect([200, 201]).toContain(response.status);
    expectLike(JSON.parse(response.body), findResponseExample(id, response.status, name));
  });

  it("listCustomers: one customer → the example lastPage", async () => {
    const api = await createApiFor("list");
    await createExample(api);
    const response = await api.call("listCustomers");
    expectLike(JSON.parse(response.body), findResponseExample("listCustomers", 200, "lastPage"));
  });

  it("getCustomer: existing customer → the example customer", async () => {
    const api = await createApiFor("get");
    const response = await api.call("getCustomer", await createExample(api));
    expectLike(JSON.parse(response.body), findResponseExample("getCustomer", 200, "customer"));
  });

  // Here, no customer has the ID of the examples; in the sandbox, one does.
  const statuses: Record<OperationId, number> = {
    listCustomers: 200,
    createCustomer: 201,
    getCustomer: 404,
    updateCustomer: 404,
  };
  it.each(operations)("$operationId: example parameters → accepted", async (operation) => {
    const { operationId, parameters } = operation;
    const examples = (place: string): Record<string, string> =>
      Object.fromEntries(
        parameters
          .filter((parameter) => parameter.in === place)
          .map((parameter) => [parameter.name, String((parameter as Part).example)]),
      );
    const query = new URLSearchParams(examples("query"));
    const api = await createApiFor("parameters");
    const response = await api.call(operationId, {
      ...examples("path"),
      ...(query.size > 0 && { query: `?${query}` }),
      headers: examples("header"),
    });
    expect(response.status).toBe(statuses[operationId]);
  });
});

function listNamedExamples(described: Part): Record<string, Part> {
  return Object.fromEntries(listExamples(described?.content["application/json"] ?? {}));
}

function listRequestExamples(operation: Operation): Record<string, Part> {
  return listNamedExamples(contract.paths[operation.template][operation.method.toLowerCase()].requestBody);
}

function findResponseExample(id: OperationId, status: number, name: string): Part {
  return listNamedExamples(findResponses(getOperation(id))[status])[name];
}

/** Creates the customer of the contract's response examples. */
async function createExample(api: ContractClient): Promise<{ id: string }> {
  const {
    id: _,
    emailVerified: __,
    createdAt: ___,
    updatedAt: ____,
    ...fields
  } = contract.components.examples.customer.value.data;
  const response = await api.call("createCustomer", { fields });
  return { id: JSON.parse(response.body).data.id };
}

/** Fields that the server chooses, or that the API cannot set: only their types are compared. */
const chosen = ["id", "emailVerified", "createdAt", "updatedAt"];

function expectLike(received: unknown, example: unknown): void {
  expect(example).toBeDefined();
  expect(removeChosen(received)).toEqual(removeChosen(example));
}

function removeChosen(value: Part): Part {
  if (Array.isArray(value)) return value.map(removeChosen);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, field]) => [
      key,
      chosen.includes(key) ? typeof field : removeChosen(field),
    ]),
  );
}
