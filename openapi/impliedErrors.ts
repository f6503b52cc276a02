/**
 * Finds errors that the operations of a contract imply but their responses lack. The server validates every request
 * against the contract, so a parameter, body or scope implies error messages; a missing one would be hidden from partners,
 * generated clients and the server's types.
 */
import {
  type ContractOperation,
  listErrorMessages,
  listOperations,
  type Part,
  resolve,
} from "./contractFile.ts";

/** Schema keywords that do not restrict text. */
const annotations = ["type", "description", "default", "example", "title", "deprecated", "nullable"];

/** The response status that a request header implies. */
const headerStatuses: Record<string, string> = {
  "if-match": "412",
  "if-none-match": "304",
  "idempotency-key": "422",
};

/** Lists missing error messages and statuses, one per line, in the contract's order. */
export function findMissingErrors(contract: Part): string[] {
  return listOperations(contract).flatMap((operation) => findErrorsMissingFrom(operation, contract));
}

function findErrorsMissingFrom(operation: ContractOperation, contract: Part): string[] {
  const missing = new Set<string>();
  const report = (what: string) => missing.add(`${operation.operationId}: ${what}`);
  const listMessages = (status: string) =>
    listErrorMessages(contract, operation.responses[status]).map(({ message }) => message);

  function requireStatus(status: string, reason: string): void {
    if (!operation.responses[status]) report(`no response ${status}, which ${reason} implies`);
  }
  function requireMessage(status: string, message: string, reason: string): void {
    if (!operation.responses[status] || !listMessages(status).includes(message))
      report(
        `no ${status} example has the error message ${JSON.stringify(message)}, which ${reason} implies`,
      );
  }
  /** Requires the error messages of a shared response. */
  function requireResponse(status: string, name: string, reason: string): void {
    for (const { message } of listErrorMessages(contract, { $ref: `#/components/responses/${name}` }))
      requireMessage(status, message, reason);
  }
  function requireExample(name: string, reason: string): void {
    const { value } = resolve(contract, { $ref: `#/components/examples/${name}` });
    requireMessage("400", value.error, reason);
  }
  /** Requires the error messages beside the constraints of a schema. */
  function requireSchemaMessages(schema: Part, place: string): void {
    const messages = schema["x-error-message"];
    if (messages === undefined) report(`${place} has no x-error-message`);
    const all: string[] = typeof messages === "object" ? Object.values(messages) : [messages ?? []].flat();
    for (const message of all) requireMessage("400", message, place);
  }

  requireExample("malformedRequest", "every request");
  requireExample("unknownQueryParameter", "every request");
  requireResponse("500", "InternalServerError", "every request");
  requireResponse("503", "ServiceUnavailable", "every request");
  if (operation.isSecured) {
    requireResponse("401", "Unauthorized", "the API key");
    requireResponse("429", "TooManyRequests", "the API key");
    if (operation.scopes.length === 0) report("no x-required-scopes, which the API key implies");
  }
  for (const scope of operation.scopes) {
    const isNamed =
      operation.responses["403"] && listMessages("403").some((message) => message.includes(scope));
    if (!isNamed) report(`403 has no error message that names the scope ${scope}`);
  }

  for (const parameter of operation.parameters) {
    const place = `${parameter.in} parameter ${parameter.name}`;
    const schema = resolve(contract, parameter.schema);
    const isRestricted =
      schema.type !== "string" || Object.keys(schema).some((keyword) => !annotations.includes(keyword));
    if (isRestricted) requireSchemaMessages(schema, place);
    if (parameter.in === "query") requireExample("repeatedQueryParameter", place);
    if (parameter.in === "path") requireStatus("404", place);
    const status = parameter.in === "header" && headerStatuses[parameter.name.toLowerCase()];
    if (status) requireStatus(status, place);
  }

  const { body } = operation;
  if (!body) return [...missing];
  requireExample("invalidJson", "the body");
  requireResponse("415", "UnsupportedMediaType", "the body");
  if (body["x-max-bytes"] === undefined) report("the body has no x-max-bytes");
  else requireResponse("413", "PayloadTooLarge", "the body's x-max-bytes");
  const schema = resolve(contract, body.content["application/json"].schema);
  for (const [name, message] of Object.entries<string>(schema["x-rejected-properties"] ?? {}))
    requireMessage("400", message, `the rejected field ${name}`);
  for (const [name, property] of Object.entries<Part>(schema.properties ?? {}))
    requireSchemaMessages(resolve(contract, property), `field ${name}`);
  if (schema.additionalProperties === false) requireSchemaMessages(schema, "additionalProperties: false");
  else report("the body accepts unknown fields: set additionalProperties to false");
  return [...missing];
}
