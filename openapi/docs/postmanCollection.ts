/**
 * Converts the contract to a Postman collection, format 2.1: a request for each example, with the same variables as in
 * the samples.
 */
import { listOperations, type Part, resolve } from "../contractFile.ts";

/** @param contract the contract as the server sends it */
export function createPostmanCollection(contract: Part): Part {
  const { title, version } = contract.info;
  return {
    info: {
      name: title,
      version,
      description: contract.info.description.split("\n\n")[0],
      schema: "https://schema.getpostman.com/json/collection/v2.1.0/collection.json",
    },
    auth: { type: "bearer", bearer: [{ key: "token", value: "{{KEY}}", type: "string" }] },
    variable: [
      { key: "API", value: contract.servers[0].url },
      { key: "KEY", value: "" },
      { key: "ID", value: "" },
    ],
    item: listOperations(contract).map((operation) => ({
      name: operation.summary,
      description: operation.description,
      item: createRequests(contract, operation),
    })),
  };
}

function createRequests(contract: Part, operation: Part): Part[] {
  const bodies = Object.values<Part>(
    operation.body?.content["application/json"].examples ?? { only: { summary: operation.summary } },
  );
  return bodies.map((reference) => {
    const { summary, value } = resolve(contract, reference);
    const body = value && {
      mode: "raw",
      raw: JSON.stringify(value, null, 2),
      options: { raw: { language: "json" } },
    };
    const header = [
      ...(body ? [{ key: "Content-Type", value: "application/json" }] : []),
      ...listParameters(operation, "header"),
    ];
    return { name: summary, request: { method: operation.method, header, url: createUrl(operation), body } };
  });
}

function createUrl(operation: Part): Part {
  const path = operation.path.slice(1).replace("{id}", "{{ID}}").split("/");
  const query = listParameters(operation, "query");
  return {
    raw: `{{API}}/${path.join("/")}`,
    host: ["{{API}}"],
    path,
    ...(query.length > 0 ? { query } : {}),
  };
}

/**
 * Lists the parameters of one kind, with their examples. They are disabled, so they are not sent until the user enables
 * them.
 */
function listParameters({ parameters }: Part, kind: "header" | "query"): Part[] {
  return parameters
    .filter((parameter: Part) => parameter.in === kind)
    .map(({ name, example, description }: Part) => ({
      key: name,
      value: String(example),
      disabled: true,
      description,
    }));
}
