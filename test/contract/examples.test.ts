import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Api, createApi, operationNamed } from "../../server/commands/contractResponses.ts";
import { contract, type Operation, operations } from "../../server/contract.ts";
import { findResponses, findSchemaErrors } from "../../server/contractCheck.ts";
import type { OperationId } from "../../server/operations.ts";
import { startServer, type TestServer } from "../support/server.ts";

// biome-ignore lint/suspicious/noExplicitAny: a part of the contract
type Part = any;

/** Everything in the contract that has a schema: parameters, headers and bodies, with its place. */
function describedIn(node: Part, place: string): { place: string; described: Part }[] {
  if (node === null || typeof node !== "object") return [];
  if ("schema" in node) return [{ place, described: node }];
  return Object.entries(node).flatMap(([key, child]) => describedIn(child, `${place}/${key}`));
}

const everything = describedIn({ ...contract.paths, any: contract["x-any-request"] }, "");

/** The examples of a parameter, a header or a body, by name. */
function examplesOf(described: Part): [name: string, value: unknown][] {
  const named = Object.entries<Part>(described.examples ?? {});
  const only: [string, unknown][] = "example" in described ? [["example", described.example]] : [];
  return [...only, ...named.map(([name, example]): [string, unknown] => [name, example.value])];
}

describe("the examples of the contract", () => {
  it("are there for every parameter and every body", () => {
    const without = everything.filter(({ described }) => examplesOf(described).length === 0);
    expect(without.map(({ place }) => place).filter((place) => !place.includes("/headers/"))).toEqual([]);
  });

  it("are as their schemas say, with no field beyond them", () => {
    const differences = everything.flatMap(({ place, described }) =>
      examplesOf(described).flatMap(([name, value]) =>
        findSchemaErrors(described.schema, value).map(
          (error) => `${place}: ${name}${error.instancePath} ${error.message}`,
        ),
      ),
    );
    expect(differences).toEqual([]);
  });
});

describe("an example that is sent is answered as the example of that name shows", () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer();
  });
  afterAll(() => server.stop());

  /** The API for a company of its own, as examples share their emails. */
  async function apiFor(company: string): Promise<Api> {
    return createApi({ url: server.url, key: await server.createKey({ company }) });
  }

  const requests = operations.flatMap((operation) =>
    Object.entries(requestExamples(operation)).map(
      ([name, body]) => [operation.operationId, name, body] as const,
    ),
  );
  it.each(requests)("%s: %s", async (id, name, body) => {
    const api = await apiFor(`${id}-${name}`);
    const customer = id === "createCustomer" ? {} : await createExample(api);
    const answer = await api.call(id, { ...customer, body: JSON.stringify(body) });
    expect([200, 201]).toContain(answer.status);
    expectLike(JSON.parse(answer.body), responseExample(id, answer.status, name));
  });

  it("listCustomers: lastPage", async () => {
    const api = await apiFor("list");
    await createExample(api);
    const answer = await api.call("listCustomers");
    expectLike(JSON.parse(answer.body), responseExample("listCustomers", 200, "lastPage"));
  });

  it("getCustomer: customer", async () => {
    const api = await apiFor("get");
    const answer = await api.call("getCustomer", await createExample(api));
    expectLike(JSON.parse(answer.body), responseExample("getCustomer", 200, "customer"));
  });

  // The id of the examples is nobody's.
  const statuses: Record<OperationId, number> = {
    listCustomers: 200,
    createCustomer: 201,
    getCustomer: 404,
    updateCustomer: 404,
  };
  it.each(operations)("$operationId: the examples of its parameters are accepted", async (operation) => {
    const { operationId, parameters } = operation;
    const examples = (place: string): Record<string, string> =>
      Object.fromEntries(
        parameters
          .filter((parameter) => parameter.in === place)
          .map((parameter) => [parameter.name, String((parameter as Part).example)]),
      );
    const query = new URLSearchParams(examples("query"));
    const api = await apiFor("parameters");
    const answer = await api.call(operationId, {
      ...examples("path"),
      ...(query.size > 0 && { query: `?${query}` }),
      headers: examples("header"),
    });
    expect(answer.status).toBe(statuses[operationId]);
  });
});

function namedExamples(described: Part): Record<string, Part> {
  return Object.fromEntries(examplesOf(described?.content["application/json"] ?? {}));
}

function requestExamples(operation: Operation): Record<string, Part> {
  return namedExamples((operation.route.schema as Part).requestBody);
}

function responseExample(id: OperationId, status: number, name: string): Part {
  return namedExamples(findResponses(operationNamed(id))[status])[name];
}

/** Creates the customer of the contract's `full` example. */
async function createExample(api: Api): Promise<{ id: string }> {
  const body = JSON.stringify(requestExamples(operationNamed("createCustomer")).full);
  const answer = await api.call("createCustomer", { body });
  return { id: JSON.parse(answer.body).data.id };
}

/** Fields that the server chooses, or that are not the API's to set: of these only the type is compared. */
const chosen = ["id", "emailVerified", "createdAt", "updatedAt"];

function expectLike(came: unknown, example: unknown): void {
  expect(example).toBeDefined();
  expect(withoutChosen(came)).toEqual(withoutChosen(example));
}

function withoutChosen(value: Part): Part {
  if (Array.isArray(value)) return value.map(withoutChosen);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, field]) => [
      key,
      chosen.includes(key) ? typeof field : withoutChosen(field),
    ]),
  );
}
