/**
 * Shared by the references, so that they differ only in what the benchmark compares: the contract's schemas, keys, rate
 * limits, customers, errors and the log.
 *
 * They do the same work for a request as the server with its defaults: look up the key and its company, count a limit
 * for each key, set a deadline, write a log line with the same fields and an entry of the audit trail (by the schema's
 * triggers), and compare one response in a hundred with the contract. Where it is in their favor, they leave out what
 * the benchmark never sends, such as idempotency keys, conditional requests, HEAD and OPTIONS.
 */
import { hash, randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import Ajv from "ajv";
import pino from "pino";
// IDs, and the text that searches compare.
import { newCustomerId, parseCreatedAt, toPosition } from "../../../dist/server/customerIds.js";
import { foldText } from "../../../dist/server/database/foldText.js";

export { isCustomerId } from "../../../dist/server/customerIds.js";
export { foldText };

export const port = Number(process.env.PORT);
export const host = process.env.HOST;
export const databaseUrl = String(process.env.DATABASE_URL);
export const databaseFile = databaseUrl.slice("sqlite:".length);

/** Writes one line for each request, in the format and the batches of the server. */
export const log = pino(
  { level: process.env.LOG_LEVEL ?? "info", base: null, timestamp: pino.stdTimeFunctions.isoTime },
  pino.destination({ sync: false, minLength: 4_096, periodicFlush: 100 }),
);

/** Logs a request after its response. */
export function logRequest(requestId, request, operationId, key, status, startedAt) {
  const durationInMilliseconds = Math.round((performance.now() - startedAt) * 100) / 100;
  log.info(
    {
      ...{ requestId, method: request.method, operationId, company: key?.company, key: key?.prefix },
      ...{ address: request.socket.remoteAddress, status, durationInMilliseconds },
    },
    "request",
  );
}

/** Calls `expire(argument)` when a request has taken too long; `clearTimeout` stops that. */
export const startDeadline = (expire, argument) => setTimeout(expire, 1_750, argument);

// The contract.

export const contractFile = fileURLToPath(new URL("../../../openapi/openapi.yaml", import.meta.url));
const document = JSON.parse(
  readFileSync(new URL("../../../generated/openapi.json", import.meta.url), "utf8"),
);

function dereference(node) {
  if (Array.isArray(node)) return node.map(dereference);
  if (node === null || typeof node !== "object") return node;
  if (node.$ref)
    return dereference(
      node.$ref
        .slice(2)
        .split("/")
        .reduce((parent, key) => parent[key], document),
    );
  return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, dereference(value)]));
}

const contract = dereference(document);
export const { schemas } = contract.components;
export const basePath = "/api/v1";
export const customersPath = `${basePath}/customers`;
export const maxBodyBytes = contract.paths["/customers"].post.requestBody["x-max-bytes"];

/** The query of listCustomers as one schema. */
export const listQuery = {
  type: "object",
  properties: Object.fromEntries(
    contract.paths["/customers"].get.parameters.map(({ name, schema }) => [name, schema]),
  ),
  additionalProperties: false,
  "x-error-message": "Unknown query parameter.",
};

/**
 * Query values arrive as text, hence the coercion; `verbose` gives the error handler the schema with our error message.
 */
export const ajvOptions = {
  coerceTypes: true,
  useDefaults: true,
  removeAdditional: false,
  strict: false,
  verbose: true,
};

const responseSchemas = { customer: schemas.CustomerEnvelope, list: schemas.CustomerList };
const responseAjv = new Ajv.default({ strict: false, validateFormats: false });
const isResponse = Object.fromEntries(
  Object.entries(responseSchemas).map(([name, schema]) => [name, responseAjv.compile(schema)]),
);

/** Compares one successful response in a hundred with the contract, after it was sent. */
export function sampleResponse(operationId, status, body) {
  if (status >= 300 || operationId === undefined || Math.random() >= 0.01) return;
  setImmediate(() => {
    const isValid = isResponse[operationId === "listCustomers" ? "list" : "customer"];
    if (!isValid(JSON.parse(body)))
      log.error({ operationId, errors: isValid.errors }, "response differs from the contract");
  });
}

// Errors.

/** An error response of the contract. */
export class HttpError extends Error {
  constructor(status, message, field) {
    super(message);
    this.status = status;
    this.statusCode = status;
    this.field = field;
  }
}

/** Returns the error for ajv's first violation, with the message beside the constraint. */
export function createViolationError({ keyword, instancePath, params, parentSchema, data }) {
  let schema = parentSchema;
  let field = instancePath.slice(1);
  if (keyword === "required") {
    field = params.missingProperty;
    schema = parentSchema.properties[field];
  }
  if (keyword === "additionalProperties") {
    field = params.additionalProperty;
    const message = schema["x-rejected-properties"]?.[field];
    if (message) return new HttpError(400, message, field);
  }
  if (field === "") return new HttpError(400, "Invalid JSON body.");
  return new HttpError(400, findMessage(schema, data === null ? "nullable" : keyword), field);
}

/** Finds the contract's error message for a constraint. */
export function findMessage(schema, keyword) {
  const message = schema["x-error-message"];
  return typeof message === "object" ? message[keyword] : message;
}

/** Returns status, headers and body for a thrown error. */
export function toErrorResponse(error) {
  if (!(error instanceof HttpError)) {
    log.error({ err: error }, "unexpected error");
    return { status: 500, headers: {}, body: { error: "Internal server error." } };
  }
  return {
    status: error.status,
    headers: createChallenge(error),
    body: { error: error.message, field: error.field },
  };
}

function createChallenge({ status, message }) {
  if (status !== 401 && status !== 403) return {};
  const reason =
    status === 403
      ? `, error="insufficient_scope", scope="${/the (\S+) scope/.exec(message)[1]}"`
      : message.startsWith("Missing")
        ? ""
        : ', error="invalid_token"';
  return { "WWW-Authenticate": `Bearer realm="Distribu Customers API"${reason}` };
}

// Requests and keys.

/** Returns the caller's request ID if it is valid, otherwise a new one. */
export function chooseRequestId(request) {
  const given = request.headers["x-request-id"];
  return given !== undefined && /^[A-Za-z0-9._-]{1,128}$/.test(given) ? given : randomUUID();
}

/** The headers of every response. */
export function commonHeaders(requestId) {
  return {
    "X-Request-Id": requestId,
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "private, no-cache",
  };
}

/** Returns the hash of the key in an Authorization header. */
export function hashKey(authorization) {
  const token = /^Bearer +(\S+)$/i.exec(authorization ?? "")?.[1];
  if (token === undefined) throw missingKey();
  return hash("sha256", token);
}

export function missingKey() {
  return new HttpError(401, "Missing or malformed Authorization header. Use: Bearer <api_key>");
}

/** Returns the key of a row; the query returns no row unless the key is valid and its company not blocked. */
export function toKey(row) {
  if (!row) throw new HttpError(401, "This API key is invalid, expired or revoked.");
  const { id, company_id: companyId, scopes, prefix, slug: company } = row;
  return { id, companyId, scopes: scopes.split(","), prefix, company };
}

const requestsPerMinute = Number(process.env.RATE_LIMIT_PER_MINUTE);
const windows = new Map();

/** Counts a request of a key within a minute, and returns the rate limit headers. */
export function limitRate({ id }) {
  const now = Date.now();
  let window = windows.get(id);
  if (!window || window.endsAt <= now) windows.set(id, (window = { count: 0, endsAt: now + 60_000 }));
  window.count++;
  if (window.count > requestsPerMinute) throw new HttpError(429, "Rate limit exceeded.");
  return {
    "RateLimit-Limit": requestsPerMinute,
    "RateLimit-Remaining": requestsPerMinute - window.count,
    "RateLimit-Reset": Math.ceil((window.endsAt - now) / 1000),
  };
}

/** The time of last use is only accurate to the minute. */
export const lastUseGranularityInMilliseconds = 60_000;

export function requireScope(key, scope) {
  if (!key.scopes.includes(scope)) throw new HttpError(403, `This API key lacks the ${scope} scope.`);
}

// Customers.

export const columns = [
  "id",
  "email",
  "name",
  "status",
  "notes",
  "credit_limit",
  "tax_rate_override",
  "email_verified",
  "updated_at",
];

export const keyColumns = ["api_keys.id", "company_id", "scopes", "prefix", "slug", "last_used_at"];

/** The query of a valid key, with placeholders for its hash and the current time. */
export const keyQuery = (hashPlace, nowPlace) => `select ${keyColumns} from api_keys
  join companies on companies.id = api_keys.company_id
  where sha256 = ${hashPlace} and revoked_at is null and blocked_at is null
    and (expires_at is null or expires_at > ${nowPlace})`;

/** SQLite: the condition that a search adds to a list, with placeholders for the result of `searchValues`. */
export const searchJoin = "customers_search.rowid = customers.position";
export const searchCondition = `customers_search match ? and customers_search.rowid < ?
  and (instr(email, ?) > 0 or instr(folded_name, ?) > 0)`;

/** SQLite: the values of a search for three or more characters: some of its trigrams, and the company's own. */
export function searchValues(companyId, { search, cursor }) {
  const text = foldText(search);
  const trigrams = [...new Set([0, 2, 4, text.length - 3].map((start) => text.slice(start, start + 3)))];
  const digits = [companyId.slice(30, 33), companyId.slice(33, 36)];
  const company = digits.map((three) => String.fromCharCode(0xe000 + Number.parseInt(three, 16))).join("");
  const terms = [`\ue000${company}`, ...trigrams.filter(({ length }) => length === 3)];
  const match = terms.map((term) => `"${term.replaceAll('"', '""')}"`).join(" AND ");
  return [match, cursor ? toPosition(cursor) : 2n ** 63n - 1n, text, text];
}

export function clampLimit(limit = 50) {
  return Math.min(Math.max(limit, 1), 100);
}

/** The row of a new customer. */
export function newRow(companyId, body, keyId) {
  const id = newCustomerId();
  return {
    position: toPosition(id),
    company_id: companyId,
    id,
    email: body.email.toLowerCase(),
    name: body.name ?? null,
    folded_name: body.name ? foldText(body.name) : null,
    status: body.status ?? "ACTIVE",
    notes: body.notes ?? null,
    credit_limit: body.creditLimit ?? null,
    tax_rate_override: body.taxRateOverride ?? null,
    email_verified: 0,
    updated_at: parseCreatedAt(id),
    changed_by: keyId,
  };
}

/** The columns that an update sets. */
export function changedValues({ name, notes, creditLimit, taxRateOverride, status }) {
  const values = {};
  if (name !== undefined) {
    values.name = name;
    values.folded_name = name === null ? null : foldText(name);
  }
  if (notes !== undefined) values.notes = notes;
  if (creditLimit !== undefined) values.credit_limit = creditLimit;
  if (taxRateOverride !== undefined) values.tax_rate_override = taxRateOverride;
  if (status !== undefined) values.status = status;
  return values;
}

export function toCustomer(row) {
  return {
    id: row.id,
    email: row.email,
    name: row.name,
    status: row.status,
    notes: row.notes,
    creditLimit: row.credit_limit,
    taxRateOverride: row.tax_rate_override,
    emailVerified: Boolean(row.email_verified),
    createdAt: new Date(parseCreatedAt(row.id)).toISOString(),
    updatedAt: new Date(row.updated_at).toISOString(),
  };
}

export function toPage(rows, limit) {
  const data = rows.slice(0, limit).map(toCustomer);
  const hasMore = rows.length > limit;
  return { data, pagination: { hasMore, nextCursor: hasMore ? data.at(-1).id : null } };
}

export function entityTag(row) {
  return `"${row.updated_at.toString(36)}"`;
}

export function formatLocation(id) {
  return `${customersPath}/${id}`;
}

/** @throws {HttpError} 404 if there is no row */
export function found(row) {
  if (!row) throw new HttpError(404, "Customer not found.");
  return row;
}

export function emailTaken() {
  return new HttpError(409, "A customer with this email already exists.");
}
