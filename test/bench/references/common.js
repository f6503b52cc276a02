/**
 * What the references share, so that they differ in nothing but what is compared: the contract's
 * schemas, keys, customers, errors, the log.
 *
 * They do what an answered request costs, and leave out what the benchmark never asks for: rate
 * limits (they are off in all servers), idempotency keys, conditional requests, HEAD and OPTIONS. Nor
 * do they write an audit trail, which costs this server a row for each create and update.
 * Where that makes a difference it is in their favour.
 */
import { createHash, randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import pino from "pino";
// The schema's own: what its triggers call and what its search asks for belongs to the data.
import { createdAt, newCustomerId, positionOf } from "../../../dist/server/customerIds.js";
import { addGrams, createGramChoice, foldText, sampleSize } from "../../../dist/server/database/search.js";

export { isCustomerId } from "../../../dist/server/customerIds.js";

export const port = Number(process.env.PORT);
export const host = process.env.HOST;
export const databaseFile = String(process.env.DATABASE_URL).slice("sqlite:".length);

/** One line a request, as the server itself writes it, and in the same bundles. */
export const log = pino(
  { level: process.env.LOG_LEVEL ?? "info", base: null, timestamp: pino.stdTimeFunctions.isoTime },
  pino.destination({ sync: false, minLength: 4_096, periodicFlush: 100 }),
);

/** Logs a request that has been answered. */
export function logRequest(requestId, method, operationId, company, status, startedAt) {
  const durationInMilliseconds = Math.round((performance.now() - startedAt) * 100) / 100;
  log.info({ requestId, method, operationId, company, status, durationInMilliseconds }, "request");
}

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

/** Queries arrive as text; `verbose` gives the error handler the schema with our message. */
export const ajvOptions = {
  coerceTypes: true,
  useDefaults: true,
  removeAdditional: false,
  strict: false,
  verbose: true,
};

// Errors.

/** An answer of the contract that is not a success. */
export class Refusal extends Error {
  constructor(status, message, field) {
    super(message);
    this.status = status;
    this.statusCode = status;
    this.field = field;
  }
}

/** The refusal for what ajv found, with the message beside the constraint. */
export function refusalOf({ keyword, instancePath, params, parentSchema, data }) {
  let schema = parentSchema;
  let field = instancePath.slice(1);
  if (keyword === "required") {
    field = params.missingProperty;
    schema = parentSchema.properties[field];
  }
  if (keyword === "additionalProperties") {
    field = params.additionalProperty;
    const refused = schema["x-refused-properties"]?.[field];
    if (refused) return new Refusal(400, refused, field);
  }
  if (field === "") return new Refusal(400, "Invalid JSON body.");
  return new Refusal(400, messageOf(schema, data === null ? "nullable" : keyword), field);
}

/** The contract's message for a constraint. */
export function messageOf(schema, keyword) {
  const message = schema["x-error-message"];
  return typeof message === "object" ? message[keyword] : message;
}

/** Status, headers and body for anything thrown. */
export function errorAnswer(error) {
  if (!(error instanceof Refusal)) {
    log.error({ err: error }, "unexpected error");
    return { status: 500, headers: {}, body: { error: "Internal server error." } };
  }
  return {
    status: error.status,
    headers: challengeOf(error),
    body: { error: error.message, field: error.field },
  };
}

function challengeOf({ status, message }) {
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

/** The caller's request id where it is usable, else a new one. */
export function requestIdOf(request) {
  const given = request.headers["x-request-id"];
  return given !== undefined && /^[A-Za-z0-9._-]{1,128}$/.test(given) ? given : randomUUID();
}

/** The headers of every answer. */
export function commonHeaders(requestId) {
  return {
    "X-Request-Id": requestId,
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "private, no-cache",
  };
}

/** What is stored of the key in an Authorization header. */
export function keyHashOf(authorization) {
  const token = /^Bearer +(\S+)$/i.exec(authorization ?? "")?.[1];
  if (token === undefined) throw missingKey();
  return createHash("sha256").update(token).digest("hex");
}

export function missingKey() {
  return new Refusal(401, "Missing or malformed Authorization header. Use: Bearer <api_key>");
}

/** The live key of a row. */
export function liveKeyOf(row, now) {
  if (!row || row.revoked_at !== null || (row.expires_at !== null && row.expires_at <= now))
    throw new Refusal(401, "This API key is invalid, expired or revoked.");
  return { id: row.id, companyId: row.company_id, scopes: row.scopes.split(",") };
}

/** The time of last use is kept to the minute. */
export const lastUseGranularityInMilliseconds = 60_000;

export function requireScope(key, scope) {
  if (!key.scopes.includes(scope)) throw new Refusal(403, `This API key lacks the ${scope} scope.`);
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

export const keyColumns = ["id", "company_id", "scopes", "expires_at", "last_used_at", "revoked_at"];

/** What a search asks of a row; its placeholders take what `searchValues` gives. */
export const searchJoin = "customers_search.rowid = customers.position";
export const searchCondition = `customers_search match ? and customers_search.rowid <= ?
  and (instr(email, ?) > 0 or instr(folded_name, ?) > 0)`;

/** What shows a search which grams are rare; its placeholders take a company and a count. */
export const sampleQuery =
  "select email, folded_name from customers where company_id = ? order by id desc limit ?";

/**
 * Makes a function that gives the values of a search, in the order of its placeholders.
 * @param sample runs `sampleQuery`
 */
export function createSearchValues(sample) {
  const chooseGrams = createGramChoice(async (companyId) => sample(companyId, sampleSize));
  return async (companyId, { search, status, cursor }) => {
    const text = foldText(search);
    const grams = await chooseGrams(companyId, text);
    const tokens = grams.map((gram) => tokenOf(companyId, "g", gram));
    if (status) tokens.push(tokenOf(companyId, "s", status));
    return [tokens.join(" "), cursor ? positionOf(cursor) : 2n ** 63n - 1n, text, text];
  };
}

/** The function of the schema that its triggers call; as the server's own, which is not measured here. */
export function searchTokens(companyId, email, foldedName, status) {
  const grams = new Set();
  addGrams(grams, codesOf(email), "x");
  addGrams(grams, codesOf(foldedName ?? ""), "x");
  const start = tokenOf(companyId, "g", "");
  return `${tokenOf(companyId, "s", status)} ${start}${[...grams].join(` ${start}`)}`;
}

function tokenOf(companyId, kind, text) {
  return companyId.slice(-8) + kind + codesOf(text).join("x");
}

function codesOf(text) {
  return [...text].map((character) => character.codePointAt(0).toString(16));
}

export function clampLimit(limit = 50) {
  return Math.min(Math.max(limit, 1), 100);
}

/** The row of a new customer. */
export function newRow(companyId, body) {
  const id = newCustomerId();
  return {
    position: positionOf(id),
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
    updated_at: createdAt(id),
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
    createdAt: new Date(createdAt(row.id)).toISOString(),
    updatedAt: new Date(row.updated_at).toISOString(),
  };
}

export function pageOf(rows, limit) {
  const data = rows.slice(0, limit).map(toCustomer);
  const hasMore = rows.length > limit;
  return { data, pagination: { hasMore, nextCursor: hasMore ? data.at(-1).id : null } };
}

export function entityTag(row) {
  return `"${row.updated_at.toString(36)}"`;
}

export function locationOf(id) {
  return `${customersPath}/${id}`;
}

/** @throws {Refusal} 404 where there is no row */
export function found(row) {
  if (!row) throw new Refusal(404, "Customer not found.");
  return row;
}

export function emailTaken() {
  return new Refusal(409, "A customer with this email already exists.");
}
