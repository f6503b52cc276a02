/** Maps violations that ajv and express-openapi-validator report to the contract's errors. */
import Ajv from "ajv-draft-04";
import { type ContractMessage, findMessage, type Operation, type Schema } from "./contract.ts";
import { ApiError } from "./errors.ts";

export interface Violation {
  /** The location, such as `/query/cursor` or `/body/name`. */
  path: string;
  /** The keyword, such as `pattern.openapi.validation`. */
  errorCode?: string;
}

/**
 * Finds the contract's error for the first violation: parameters and fields in the contract's order, unknown fields
 * last. Returns undefined if the contract has no error message for any of them.
 */
export function findFirstError(
  { parameters, bodySchema }: Operation,
  violations: Violation[],
  body: unknown,
): ApiError | undefined {
  const failedKeywords = (path: string) =>
    violations
      .filter((violation) => violation.path === path)
      .map(({ errorCode }) => String(errorCode).split(".")[0] as string);

  for (const { name, schema, in: place } of parameters) {
    const keywords = failedKeywords(`/${place === "path" ? "params" : place}/${name}`);
    if (keywords.length > 0) return new ApiError(400, findMessage(schema, keywords), { field: name });
  }
  if (!bodySchema?.properties) return undefined;
  const fields = body as Record<string, unknown>;
  for (const [name, message] of Object.entries(bodySchema["x-rejected-properties"] ?? {})) {
    if (Object.hasOwn(fields, name)) return new ApiError(400, message as ContractMessage, { field: name });
  }
  for (const [name, schema] of Object.entries(bodySchema.properties)) {
    const keywords = failedKeywords(`/body/${name}`);
    if (keywords.includes("type") && fields[name] === null) keywords.push("nullable");
    if (keywords.length > 0) return new ApiError(400, findMessage(schema, keywords), { field: name });
  }
  const [unknown] = findUnknownFields(bodySchema, fields);
  return unknown === undefined
    ? undefined
    : new ApiError(400, findMessage(bodySchema, []), { field: unknown });
}

function findUnknownFields({ properties = {} }: Schema, body: object): string[] {
  return Object.keys(body).filter((name) => !Object.hasOwn(properties, name));
}

/**
 * Returns a body to validate in place of one with several unknown fields: only the first of them is reported, and the
 * validator would create an error for each, which may be thousands in 64 KiB.
 * @returns the body itself, unless it has more than one unknown field
 */
export function dropFurtherUnknownFields(schema: Schema, body: unknown): unknown {
  const fields = body as Record<string, unknown>;
  const unknown = findUnknownFields(schema, fields);
  if (unknown.length < 2) return body;
  const kept = [...Object.keys(schema.properties ?? {}), unknown[0] as string];
  return Object.fromEntries(kept.map((name) => [name, fields[name]]));
}

/**
 * Compiles the body schema of an operation, for bodies that are not in a request, such as the rows of an import.
 * @returns a function that returns the contract's error for the first invalid field, or undefined for a valid body
 */
export function compileBodyCheck(operation: Operation): (body: object) => ApiError | undefined {
  const validate = new Ajv.default({ allErrors: true, strict: false }).compile(operation.bodySchema ?? {});
  return (body) => {
    if (validate(body)) return undefined;
    const violations = (validate.errors ?? []).map(({ instancePath, keyword, params }) => ({
      path: `/body${instancePath}${keyword === "required" ? `/${params.missingProperty}` : ""}`,
      errorCode: keyword,
    }));
    return findFirstError(operation, violations, body);
  };
}
