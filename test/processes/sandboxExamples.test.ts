/** The examples of the contract, sent to a sandbox unchanged. */
import { describe, expect, it } from "vitest";
import { createContractClient, getOperation } from "../../server/commands/contractClient.ts";
import { basePath, contract, operations } from "../../server/contract.ts";
import type { OperationId } from "../../server/operations.ts";
import { sandboxKeys } from "../../server/sandbox/data.ts";
import { spawnServer } from "../support/processes.ts";

// biome-ignore lint/suspicious/noExplicitAny: a part of the contract
type Part = any;

/** Fields whose values the server chooses at the time of the request. */
const chosen: Partial<Record<OperationId, string[]>> = {
  createCustomer: ["id", "createdAt", "updatedAt"],
  updateCustomer: ["updatedAt"],
};

const bodies = operations.flatMap(({ operationId, template, method }) => {
  const { requestBody } = contract.paths[template][method.toLowerCase()];
  const examples = Object.entries<Part>(requestBody?.content["application/json"].examples ?? {});
  return examples.map(([name, { value }]) => [operationId, name, value] as const);
});

/** The examples of the parameters in one place of a request: query, path or header. */
function listExamples(id: OperationId, place: string): Record<string, string> {
  const parameters = getOperation(id).parameters.filter((parameter) => parameter.in === place);
  return Object.fromEntries(parameters.map((parameter: Part) => [parameter.name, String(parameter.example)]));
}

/** Sends a request of examples to a new sandbox. */
async function send(id: OperationId, { body, headers = {} }: { body?: unknown; headers?: Part } = {}) {
  const sandbox = await spawnServer({}, "dist/server/sandbox/main.js");
  const client = createContractClient({ url: sandbox.url, key: sandboxKeys.both.key });
  const query = new URLSearchParams(listExamples(id, "query"));
  return client.call(id, {
    ...listExamples(id, "path"),
    ...(query.size > 0 && { query: `?${query}` }),
    ...(body !== undefined && { body: JSON.stringify(body) }),
    headers,
  });
}

function findResponseExample(id: OperationId, status: number, name: string): Part {
  return getOperation(id).responses[status].content["application/json"].examples[name].value;
}

/** The fields of the customer in a body, except those that the server chooses. */
function readFields(id: OperationId, { data, ...rest }: Part): Part {
  const kept = Object.entries(data).filter(([field]) => !chosen[id]?.includes(field));
  return { ...rest, fields: Object.keys(data), data: Object.fromEntries(kept) };
}

describe("contract examples on the sandbox", () => {
  it.each(bodies)("%s: request example %s as it stands → its response example", async (id, name, body) => {
    const headers = listExamples(id, "header");
    const response = await send(id, { body, headers });
    expect(response.status).toBe(id === "createCustomer" ? 201 : 200);
    const example = findResponseExample(id, response.status, name);
    expect(readFields(id, JSON.parse(response.body))).toEqual(readFields(id, example));
  });

  it("listCustomers: example parameters as they stand → the example lastPage", async () => {
    const response = await send("listCustomers");
    expect(response.status).toBe(200);
    expect(JSON.parse(response.body)).toEqual(findResponseExample("listCustomers", 200, "lastPage"));
  });

  it("getCustomer: example ID → the example customer and its ETag; 304 with it", async () => {
    const response = await send("getCustomer");
    expect(response.status).toBe(200);
    expect(JSON.parse(response.body)).toEqual(findResponseExample("getCustomer", 200, "customer"));
    expect(response.headers.etag).toBe(contract.components.headers.ETag.example);
    const headers = listExamples("getCustomer", "header");
    expect((await send("getCustomer", { headers })).status).toBe(304);
  });

  it("createCustomer: example Location → same form as in the response", async () => {
    const { example } = getOperation("createCustomer").responses[201].headers.Location;
    const { data } = findResponseExample("createCustomer", 201, "full");
    expect(example).toBe(`${basePath}/customers/${data.id}`);
  });
});
