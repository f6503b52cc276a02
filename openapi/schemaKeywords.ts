/** Determines how a change of a schema keyword affects the values that the schema accepts. */
import type { Part } from "./contractFile.ts";

/** For each schema keyword that restricts values: whether `to` rejects a value that `from` accepts. */
export const narrows: Record<string, (from: Part, to: Part) => boolean> = {
  type: (from, to) => from !== to,
  nullable: (from = false, to = false) => from && !to,
  enum: (from, to) => to !== undefined && !from?.every((value: unknown) => to.includes(value)),
  required: (from = [], to = []) => to.some((name: string) => !from.includes(name)),
  additionalProperties: (from = true, to = true) => from !== false && to !== true && !same(from, to),
  minimum: rises,
  minLength: rises,
  minItems: rises,
  minProperties: rises,
  maximum: falls,
  maxLength: falls,
  maxItems: falls,
  maxProperties: falls,
  "x-max-bytes": falls,
  "x-clamp": (from = {}, to = {}) => rises(from.minimum, to.minimum) || falls(from.maximum, to.maximum),
  exclusiveMinimum: (from = false, to = false) => to && !from,
  exclusiveMaximum: (from = false, to = false) => to && !from,
  uniqueItems: (from = false, to = false) => to && !from,
  // Whether one expression accepts more than another is not computed.
  pattern: differs,
  format: differs,
  multipleOf: differs,
  "x-lexical-pattern": differs,
};

/** Schema keywords that do not restrict values, or are compared separately. */
export const ignoredKeywords = new Set(
  "title description example examples externalDocs deprecated default properties items x-error-message".split(
    " ",
  ),
);

function rises(from = Number.NEGATIVE_INFINITY, to = Number.NEGATIVE_INFINITY): boolean {
  return to > from;
}

export function falls(from = Number.POSITIVE_INFINITY, to = Number.POSITIVE_INFINITY): boolean {
  return to < from;
}

function differs(from: Part, to: Part): boolean {
  return to !== undefined && from !== to;
}

export function same(one: Part, other: Part): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
