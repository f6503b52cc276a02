/** Generates valid and invalid requests from the contract, and from data that has broken other software. */
import fc from "fast-check";
import { basePath, type Operation, type Parameter } from "../../server/contract.ts";
import { findSchemaErrors } from "../../server/contractCheck.ts";
import { arbitraryText } from "../support/arbitraries.ts";
import type { Sent } from "./caller.ts";
import * as corpus from "./corpus.ts";

/** A generated request. */
export interface Generated extends Sent {
  /** What was chosen for each field of the body: `name: one beyond`. */
  choices: string[];
  /** Whether it conforms to the schemas of the contract; undefined where more than the schemas decides. */
  isValid?: boolean;
}

// biome-ignore lint/suspicious/noExplicitAny: a part of the contract
type Schema = any;

/** One way to choose a field, as JSON; undefined where the field is left out. */
interface Choice {
  kind: string;
  weight: number;
  text: fc.Arbitrary<string | undefined>;
}

/** Kinds of values of every field; a string or number is also at its bounds and beyond them. */
const kinds = ["absent", "valid", "null", "of a wrong type", "hostile"];
const boundedKinds = [...kinds, "at a bound", "one beyond"];

/**
 * Generates requests to an operation.
 * @param ids IDs to request: known, foreign and unknown ones; malformed ones are added
 * @param key the API key of all of them
 */
export function generateRequests(operation: Operation, ids: string[], key: string): fc.Arbitrary<Generated> {
  const ofSchemas = generateBySchemas(operation, ids, key);
  return fc.oneof(
    { weight: 4, arbitrary: ofSchemas },
    { weight: 1, arbitrary: ofSchemas.chain((request) => breakRequest(request)) },
  );
}

/** Returns the choices of which each must occur among all generated requests. */
export function listChoices(operation: Operation): string[] {
  const properties = Object.entries<Schema>((operation.bodySchema?.properties as Schema) ?? {});
  return properties.flatMap(([name, schema]) =>
    (schema.enum ? kinds : boundedKinds).map((kind) => `${name}: ${kind}`),
  );
}

/** Generates requests that are valid, or invalid by the contract's schemas alone. */
function generateBySchemas(operation: Operation, ids: string[], key: string): fc.Arbitrary<Generated> {
  const path = operation.template.includes("{id}")
    ? fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...ids) }, fc.constantFrom(...corpus.texts))
    : fc.constant("");
  return fc
    .record({
      id: path,
      query: generateQuery(operation),
      headers: generateHeaders(operation),
      body: generateBody(operation),
    })
    .map(({ id, query, headers, body }) => ({
      method: operation.method,
      target: `${basePath}${operation.template.replace("{id}", () => percentEncode(id))}${query.text}`,
      headers: {
        Authorization: `Bearer ${key}`,
        ...headers,
        ...(body && { "Content-Type": "application/json" }),
      },
      ...(body && { body: Buffer.from(body.text) }),
      choices: body?.choices ?? [],
      // A path with an empty ID belongs to no operation.
      ...(!(operation.template.includes("{id}") && id === "") && {
        isValid:
          isDecodable(id) &&
          isValidQuery(operation, query.pairs) &&
          areValidHeaders(operation, headers) &&
          (!body || isValidBody(operation, body.text)),
      }),
    }));
}

/** Generates requests with one more fault, of a kind that is checked before the schemas. */
function breakRequest(request: Generated): fc.Arbitrary<Generated> {
  const change = (changes: fc.Arbitrary<Partial<Generated>>) =>
    changes.map(({ headers, ...rest }) => {
      const { isValid: _, ...kept } = request;
      return { ...kept, ...rest, headers: { ...request.headers, ...headers }, choices: [] };
    });
  const hasBody = request.body !== undefined;
  const json = { "Content-Type": "application/json" };
  const [path = ""] = request.target.split("?");
  return fc.oneof(
    change(fc.constantFrom(...corpus.headerSets).map((headers) => ({ headers }))),
    change(headerValue.map((value) => ({ headers: { "X-Anything": value, "X-Request-Id": value } }))),
    change(fc.constantFrom(...corpus.queries).map((query) => ({ target: `${path}?${query}` }))),
    change(fc.constantFrom(...corpus.paths).map((rest) => ({ target: basePath + rest }))),
    change(fc.constantFrom(...corpus.methods).map((method) => ({ method }))),
    ...(hasBody
      ? [
          change(fc.constantFrom(...corpus.bodies).map((body) => ({ body }))),
          change(
            fc.constantFrom(...corpus.contentTypes).map((type) => ({ headers: { "Content-Type": type } })),
          ),
          change(mutatedType.map((type) => ({ headers: { "Content-Type": type } }))),
          change(fc.uint8Array({ maxLength: 300 }).map((bytes) => ({ body: Buffer.from(bytes) }))),
          change(
            fc.tuple(fc.constantFrom(...corpus.badBytes), fc.nat()).map(([bad, where]) => {
              const { body = Buffer.alloc(0) } = request;
              const at = where % (body.length + 1);
              return { body: Buffer.concat([body.subarray(0, at), bad, body.subarray(at)]) };
            }),
          ),
        ]
      : [change(fc.constantFrom(...corpus.bodies).map((body) => ({ body, headers: json })))]),
  );
}

/** Media types that hardly repeat: a cache of them would grow without end. */
const mutatedType = fc
  .tuple(
    fc.constantFrom("application/json", "application/json; v=", "application/", "text/"),
    fc.stringMatching(/^[a-z0-9+.;= -]{1,30}$/),
  )
  .map((parts) => parts.join(""));

/** All characters that a header value may have, and U+007F, which it may not. */
const headerValue = fc.string({
  unit: fc.integer({ min: 0x20, max: 0xff }).map((code) => String.fromCharCode(code)),
  maxLength: 300,
});

function generateHeaders(operation: Operation): fc.Arbitrary<Record<string, string>> {
  const printable = fc.string({ unit: "grapheme-ascii", minLength: 1, maxLength: 255, size: "max" });
  const value = (parameter: Parameter) =>
    fc.oneof(
      { weight: 12, arbitrary: fc.constant(undefined) },
      { weight: 2, arbitrary: fc.constantFrom("a", "b", '"x"', '"x", W/"y"', "*") },
      { weight: 1, arbitrary: parameter.pattern ? printable : headerValue },
      { weight: 1, arbitrary: headerValue },
      { weight: 1, arbitrary: fc.constantFrom("", " ", "x".repeat(255), "x".repeat(256), "\x7f", "a\tb") },
    );
  return listParts(operation.headers.map((parameter) => [parameter.name, value(parameter)]));
}

/** By HTTP, a value has no control characters, and spaces and tabs around it do not belong to it. */
function areValidHeaders(operation: Operation, headers: Record<string, string>): boolean {
  return operation.headers.every(({ name, pattern }) => {
    const value = headers[name]?.replace(/^[ \t]+|[ \t]+$/g, "");
    return value === undefined || (!value.includes("\x7f") && (!pattern || pattern.test(value)));
  });
}

function generateQuery(operation: Operation) {
  const parameters = [...operation.query.values()];
  const known = listParts(
    parameters.map(({ name, schema }) => [
      name,
      fc.oneof(
        { weight: 12, arbitrary: fc.constant(undefined) },
        { weight: 8, arbitrary: generateValidText(schema) },
        { weight: 1, arbitrary: fc.constantFrom("", ...corpus.texts) },
        { weight: 1, arbitrary: arbitraryText(202) },
        {
          weight: 1,
          arbitrary: fc.constantFrom("x".repeat(200), "😀".repeat(200), "x".repeat(201), "😀".repeat(201)),
        },
      ),
    ]),
  );
  const extra = fc.tuple(
    fc.constantFrom(...parameters.map(({ name }) => name), ...corpus.texts),
    fc.constantFrom(...corpus.texts),
  );
  const extras = fc.oneof(
    { weight: 9, arbitrary: fc.constant([]) },
    fc.array(extra, { minLength: 1, maxLength: 2 }),
  );
  return fc.tuple(known, extras).map(([parts, more]) => {
    const pairs = [...Object.entries(parts), ...more];
    const text = pairs.map((pair) => pair.map(percentEncode).join("=")).join("&");
    return { pairs, text: text && `?${text}` };
  });
}

function isValidQuery(operation: Operation, pairs: [string, string][]): boolean {
  const names = pairs.map(([name]) => name);
  return pairs.every(([name, value], index) => {
    // `=` alone is a parameter without a name.
    const parameter = operation.query.get(name);
    if (!parameter || names.indexOf(name) !== index || !isDecodable(value)) return false;
    if (value === "" && parameter.allowEmptyValue) return true;
    // A number out of bounds is clamped: only its notation is validated.
    return parameter.pattern
      ? parameter.pattern.test(value)
      : findSchemaErrors(parameter.schema, value).length === 0;
  });
}

function generateBody(operation: Operation): fc.Arbitrary<{ text: string; choices: string[] } | undefined> {
  const schema = operation.bodySchema as Schema;
  if (!schema) return fc.constant(undefined);
  const properties = Object.entries<Schema>(schema.properties);
  const member = ([name, property]: [string, Schema], validWeight: number) =>
    fc.oneof(
      ...listFieldChoices(property, schema.required?.includes(name), validWeight).map(
        ({ kind, weight, text }) => ({
          weight,
          arbitrary: text.map((json) => ({ name, kind, json })),
        }),
      ),
    );
  // A third each: almost always valid, about one invalid field, many invalid fields.
  const members = fc.oneof(
    ...[1, 8, 40].map((weight) => fc.tuple(...properties.map((property) => member(property, weight)))),
  );
  const names = [
    ...properties.map(([name]) => name),
    ...Object.keys(schema["x-rejected-properties"] ?? {}),
    ...corpus.texts,
  ];
  const extra = fc
    .tuple(fc.constantFrom(...names), fc.constantFrom(...corpus.jsons))
    .map(([name, json]) => ({ name, json }));
  const extras = fc.oneof(
    { weight: 9, arbitrary: fc.constant([]) },
    fc.array(extra, { minLength: 1, maxLength: 3 }),
  );
  return fc.tuple(members, extras, fc.boolean()).map(([chosen, more, comeFirst]) => {
    const present = chosen.filter(({ json }) => json !== undefined);
    const all = comeFirst ? [...more, ...present] : [...present, ...more];
    return {
      text: `{${all.map(({ name, json }) => `${JSON.stringify(name)}:${json}`).join()}}`,
      choices: chosen.map(({ name, kind }) => `${name}: ${kind}`),
    };
  });
}

function isValidBody(operation: Operation, text: string): boolean {
  const schema = operation.bodySchema as Schema;
  const body = JSON.parse(text);
  const rejected = Object.keys(schema["x-rejected-properties"] ?? {});
  return !rejected.some((name) => Object.hasOwn(body, name)) && findSchemaErrors(schema, body).length === 0;
}

/** Returns the ways to choose a field. */
function listFieldChoices(schema: Schema, isRequired: boolean, validWeight: number): Choice[] {
  const absent = isRequired ? 1 : validWeight;
  const always: Choice[] = [
    { kind: "absent", weight: absent, text: fc.constant(undefined) },
    {
      kind: "valid",
      weight: validWeight,
      text: generateValidValue(schema).map((value) => JSON.stringify(value)),
    },
    { kind: "null", weight: 1, text: fc.constant("null") },
    {
      kind: "of a wrong type",
      weight: 1,
      text: fc.constantFrom(...corpus.jsons.filter((json) => !hasType(schema, json))),
    },
    { kind: "hostile", weight: 1, text: generateHostileJson(schema) },
  ];
  const [at, beyond] = findBounds(schema);
  if (at.length === 0) return always;
  return [
    ...always,
    { kind: "at a bound", weight: 1, text: fc.constantFrom(...at) },
    { kind: "one beyond", weight: 1, text: fc.constantFrom(...beyond) },
  ];
}

function hasType({ type }: Schema, json: string): boolean {
  const value = JSON.parse(json);
  return value === null || typeof value === type;
}

function generateHostileJson({ type }: Schema): fc.Arbitrary<string> {
  const ofType = corpus.jsons.filter((json) => hasType({ type }, json));
  return type === "number"
    ? fc.constantFrom(...ofType)
    : fc.constantFrom(...corpus.texts.map((text) => JSON.stringify(text)));
}

/** Returns the JSON of values at the bounds of a schema, and one beyond them. */
function findBounds(schema: Schema): [at: string[], beyond: string[]] {
  const { minimum, maximum, minLength, maxLength } = schema;
  if (maximum !== undefined) {
    return [
      [String(minimum), String(maximum), `${maximum}e0`, "-0", "5e-324"],
      [String(minimum - Number.MIN_VALUE), "-1", String(maximum + maximum * 2 ** -52), String(maximum + 1)],
    ];
  }
  if (maxLength === undefined) return [[], []];
  // Letters of one, two, three and four bytes count one each; if only ASCII is valid, ajv says so.
  const ofLength = (length: number) =>
    ["x", "ü", "€", "😀"].map((letter) => JSON.stringify(stretch(schema, letter, length)));
  return [
    [...ofLength(maxLength), ...ofLength(minLength ?? 0)],
    [...ofLength(maxLength + 1), ...(minLength ? ['""'] : [])],
  ];
}

/** Returns text of so many code points; an email if the schema requires one. */
function stretch(schema: Schema, letter: string, length: number): string {
  const end = isEmail(schema) && length > 10 ? "@x.example" : "";
  return letter.repeat(length - end.length) + end;
}

function isEmail(schema: Schema): boolean {
  return schema.pattern?.includes("@");
}

/** Generates values that conform to the schema. */
function generateValidValue(schema: Schema): fc.Arbitrary<unknown> {
  if (schema.enum) return fc.constantFrom(...schema.enum);
  if (schema.type === "number") return fc.double({ min: schema.minimum, max: schema.maximum, noNaN: true });
  return generateValidText(schema);
}

function generateValidText(schema: Schema): fc.Arbitrary<string> {
  if (schema.enum) return fc.constantFrom(...schema.enum);
  if (schema.type === "integer") return fc.oneof(fc.integer({ min: -3, max: 120 }), fc.integer()).map(String);
  const most = schema.maxLength ?? 50;
  const local = fc.stringMatching(/^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]{1,30}$/);
  const domain = fc.constantFrom("x.example", "A-b.C.example");
  const special = isEmail(schema)
    ? fc.tuple(local, domain).map((parts) => parts.join("@"))
    : schema.pattern?.includes("0-9a-f")
      ? fc.uuid({ version: 7 })
      : // Long text takes long to generate, and short text covers most of the same cases.
        fc.oneof({ weight: 9, arbitrary: arbitraryText(Math.min(most, 30)) }, arbitraryText(most));
  // ajv decides what remains.
  return fc
    .oneof({ weight: 5, arbitrary: special }, fc.constantFrom(...corpus.texts))
    .filter((text) => findSchemaErrors(schema, text).length === 0);
}

/** Generates the parts that are not left out, by name. */
function listParts(
  parts: [string, fc.Arbitrary<string | undefined>][],
): fc.Arbitrary<Record<string, string>> {
  const chosen = fc.tuple(...parts.map(([name, value]) => value.map((text) => [name, text] as const)));
  return chosen.map((pairs) =>
    Object.fromEntries(pairs.filter((pair): pair is readonly [string, string] => pair[1] !== undefined)),
  );
}

const loneSurrogate = /\p{Surrogate}/u;

/** Percent-encodes any text, lone surrogates included. */
function percentEncode(text: string): string {
  return Array.from(text, (character) => {
    if (!loneSurrogate.test(character)) return encodeURIComponent(character);
    const code = character.charCodeAt(0);
    return `%ed%${(0x80 | ((code >> 6) & 0x3f)).toString(16)}%${(0x80 | (code & 0x3f)).toString(16)}`;
  }).join("");
}

function isDecodable(text: string): boolean {
  return !loneSurrogate.test(text);
}
