/** Compares a sample of the answers with the contract, once they have been sent: it changes none. */
import type { ValidateFunction } from "ajv-draft-04";
import type { Logger } from "pino";
import type { Exchange } from "./app.ts";
import { contract, operations } from "./contract.ts";
import { loggable } from "./errors.ts";
import type { OperationId } from "./operations.ts";

/** Takes an answer, and may look at it later. */
export type DriftCheck = (exchange: Exchange, sent: NonNullable<Exchange["sent"]>) => void;

/** What is found different in an answer: a line each, without its values. */
type Comparison = (...answer: Parameters<DriftCheck>) => string[];

// biome-ignore lint/suspicious/noExplicitAny: a part of the contract
type Part = any;

/** Headers that are not of the contract but of HTTP. */
const transportHeaders = ["content-type", "content-length", "connection"];

/** Statuses that any request may be answered, whatever its operation. */
const beforeOperation = [400, 408, 431];

/**
 * A check of one answer in `oneIn`, by chance, each at a turn of the event loop of its own. Its validators
 * are compiled when the first answer of their kind is checked.
 *
 * A difference is logged by its place and keyword: the value is a customer's.
 * @param seen is told of each answer that was checked whether it differs
 */
export function createDriftCheck(
  oneIn: number,
  log: Logger,
  seen?: (operationId: OperationId | undefined, isDifferent: boolean) => void,
): DriftCheck {
  let compare: Promise<Comparison> | undefined;

  async function check(...[exchange, sent]: Parameters<DriftCheck>): Promise<void> {
    compare ??= createComparison();
    const differences = (await compare)(exchange, sent);
    const { requestId, operationId } = exchange;
    seen?.(operationId, differences.length > 0);
    if (differences.length === 0) return;
    const { status } = sent;
    log.error({ requestId, operationId, status, differences }, "answer differs from the contract");
  }

  return (exchange, sent) => {
    if (Math.random() * oneIn >= 1) return;
    setImmediate(() => {
      check(exchange, sent).catch((error) => log.error({ err: loggable(error) }, "the drift check failed"));
    });
  };
}

async function createComparison(): Promise<Comparison> {
  const [{ default: Ajv }, { default: formats }] = await Promise.all([
    import("ajv-draft-04"),
    import("ajv-formats"),
  ]);
  const ajv = new Ajv.default({ allErrors: true, strict: false });
  formats.default(ajv);
  const validators = new Map<Part, ValidateFunction>();

  /** Where a value breaks its schema, and which keyword. */
  function errorsOf(place: string, schema: Part, value: unknown): string[] {
    let validate = validators.get(schema);
    if (!validate) validators.set(schema, (validate = ajv.compile(closed(schema))));
    if (validate(value)) return [];
    return (validate.errors ?? []).map(({ instancePath, keyword, params }) =>
      [place + instancePath, keyword, params.missingProperty ?? params.additionalProperty]
        .join(" ")
        .trimEnd(),
    );
  }

  function headerErrors(described: Part, sent: Map<string, string>): string[] {
    const errors = Object.entries<Part>(described).flatMap(([name, { required, schema }]) => {
      const value = sent.get(name.toLowerCase());
      if (value === undefined) return required ? [`header ${name} required`] : [];
      const isNumber = schema.type === "integer" && /^-?[0-9]+$/.test(value);
      return errorsOf(`header ${name}`, schema, isNumber ? Number(value) : value);
    });
    const known = [...Object.keys(described).map((name) => name.toLowerCase()), ...transportHeaders];
    const unknown = [...sent.keys()].filter((name) => !known.includes(name));
    return [...errors, ...unknown.map((name) => `header ${name} unknown`)];
  }

  return ({ operationId, headers }, { status, body }) => {
    const operation = operations.find((candidate) => candidate.operationId === operationId);
    const ofAny = contract["x-any-request"].responses;
    const described =
      (operation ? (operation.route.schema as Part).responses : ofAny)[status] ??
      (beforeOperation.includes(status) ? ofAny[status] : undefined);
    if (!described) return ["status unknown"];

    const sent = new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
    const errors = headerErrors(described.headers ?? {}, sent);
    const [mediaType, content] = Object.entries<Part>(described.content ?? {})[0] ?? [];
    if (sent.get("content-type") !== mediaType) return [...errors, "header Content-Type enum"];
    if (!content) return body === undefined ? errors : [...errors, "body unknown"];
    const parsed = JSON.parse(body ?? "null");
    errors.push(...errorsOf("body", content.schema, parsed));
    const messages = Object.values<Part>(content.examples ?? {}).map(({ value }) => value.error);
    return status >= 400 && !messages.includes(parsed?.error) ? [...errors, "body/error enum"] : errors;
  };
}

/** A schema whose objects have what it describes and nothing else: a leaked field is a difference. */
function closed(schema: Part): Part {
  if (Array.isArray(schema)) return schema.map(closed);
  if (schema === null || typeof schema !== "object") return schema;
  const copy = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, closed(value)]));
  return copy.type === "object" && copy.properties ? { ...copy, additionalProperties: false } : copy;
}
