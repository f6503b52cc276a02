/** For each JSON Schema keyword: a schema, a narrower one, and a wider one. */
export const narrowedKeywords: Record<string, [allowed: object, narrower: object, wider: object]> = {
  enum: [{ enum: ["a", "b"] }, { enum: ["a"] }, { enum: ["a", "b", "c"] }],
  "enum, dropped": [{ enum: ["a", "b"] }, { enum: ["b"] }, {}],
  minimum: [{ minimum: 1 }, { minimum: 2 }, { minimum: 0 }],
  maximum: [{ maximum: 1 }, { maximum: 0 }, { maximum: 2 }],
  exclusiveMinimum: [
    { minimum: 1, exclusiveMinimum: false },
    { minimum: 1, exclusiveMinimum: true },
    { minimum: 1 },
  ],
  exclusiveMaximum: [
    { maximum: 1, exclusiveMaximum: false },
    { maximum: 1, exclusiveMaximum: true },
    { maximum: 1 },
  ],
  minLength: [{ minLength: 1 }, { minLength: 2 }, {}],
  maxLength: [{ maxLength: 9 }, { maxLength: 8 }, {}],
  minItems: [{ minItems: 1 }, { minItems: 2 }, { minItems: 0 }],
  maxItems: [{ maxItems: 9 }, { maxItems: 8 }, { maxItems: 10 }],
  minProperties: [{ minProperties: 1 }, { minProperties: 2 }, {}],
  maxProperties: [{ maxProperties: 9 }, { maxProperties: 8 }, {}],
  uniqueItems: [{ uniqueItems: false }, { uniqueItems: true }, {}],
  required: [{ required: ["a"] }, { required: ["a", "b"] }, { required: [] }],
  additionalProperties: [{ additionalProperties: { type: "string" } }, { additionalProperties: false }, {}],
  "x-clamp": [{ "x-clamp": { minimum: 1, maximum: 9 } }, { "x-clamp": { minimum: 2, maximum: 9 } }, {}],
  "x-clamp, its maximum": [{ "x-clamp": { maximum: 9 } }, { "x-clamp": { maximum: 8 } }, {}],
};
