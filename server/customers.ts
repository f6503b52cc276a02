/** The four operations on customers. */
import crypto from "node:crypto";
import { basePath } from "./contract.ts";
import { isCustomerId, newCustomerId, parseCreatedAt } from "./customerIds.ts";
import { createCustomerInsert } from "./customerLimit.ts";
import { type CustomerRow, createCustomerTable, toCustomer } from "./database/customers.ts";
import { createCustomerUpdates } from "./database/customerUpdates.ts";
import type { Database } from "./database/database.ts";
import { foldText } from "./database/foldText.ts";
import { matchesTag, parseEntityTags } from "./entityTags.ts";
import type { ApiError } from "./errors.ts";
import { createIdempotencyKeys } from "./idempotencyKeys.ts";
import { type Call, implementOperations, type Operations, type Reply } from "./operations.ts";

/** A call of any operation on a single customer, which may not exist. */
type CallForOne = Pick<Call<"getCustomer">, "path" | "companyId"> & {
  error(status: 404, message: "Customer not found."): ApiError;
};

/**
 * Creates the operations of the contract on a database.
 * @param publicPath the path of the server's public URL, without `/api/v1`
 * @param maxCustomers the maximum number of customers of a company
 */
export function createOperations(
  database: Database,
  publicPath = "/",
  maxCustomers: number | false = false,
): Operations {
  const customersPath = `${publicPath.replace(/\/$/, "")}${basePath}/customers`;
  const customers = createCustomerTable(database);
  const buildUpdate = createCustomerUpdates(database);
  const idempotencyKeys = createIdempotencyKeys(database);
  const insertCustomer = createCustomerInsert(database, maxCustomers);

  /** @throws {ApiError} 404 when the company has no such customer */
  async function findCustomer(call: CallForOne): Promise<CustomerRow> {
    const { id } = call.path;
    const row = isCustomerId(id) ? await customers.get(call.companyId, id) : undefined;
    if (!row) throw call.error(404, "Customer not found.");
    return row;
  }

  const operations: Operations = implementOperations({
    async listCustomers({ companyId, query }) {
      const { limit, cursor, status, email, search } = query;
      // No customer contains U+0000, which PostgreSQL rejects, and no email contains non-ASCII characters.
      const rows =
        search?.includes("\u0000") || (email && !/^[\u0001-\u007f]*$/.test(email))
          ? []
          : await customers.list({
              companyId,
              rows: limit + 1,
              status,
              cursor,
              email: email?.toLowerCase(),
              text: search === undefined ? undefined : foldText(search),
            });
      const data = rows.slice(0, limit).map(toCustomer);
      const hasMore = rows.length > limit;
      const nextCursor = hasMore ? (data.at(-1)?.id ?? null) : null;
      return { status: 200, body: { data, pagination: { hasMore, nextCursor } } };
    },

    async getCustomer(call) {
      const row = await findCustomer(call);
      const headers = { ETag: toEntityTag(row) };
      const ifNoneMatch = call.headers["If-None-Match"];
      if (ifNoneMatch !== undefined && matchesTag(parseEntityTags(ifNoneMatch), headers.ETag))
        return { status: 304, headers, body: undefined };
      return { status: 200, headers, body: { data: toCustomer(row) } };
    },

    async createCustomer(call) {
      const row = newCustomer(call.body);
      const { companyId, keyId, rawBody } = call;
      const insert = customers.buildInsert(companyId, row, keyId);
      const key = call.headers["Idempotency-Key"];
      if (key === undefined) {
        const failedStep = await insertCustomer(companyId, [insert]);
        return failedStep === undefined ? toCreated(row) : retryCreate(call, row);
      }

      // The customer's ID is known beforehand, so the idempotency key and the customer are one write: the database
      // makes a second request with this key wait for the first.
      const bodySha256 = crypto.hash("sha256", rawBody);
      const claim = { companyId, key, bodySha256, customerId: row.id };
      const failedStep = await insertCustomer(companyId, [idempotencyKeys.buildClaim(claim), insert]);
      if (failedStep === undefined) return toCreated(row);
      if (failedStep === 1) return retryCreate(call, row);
      const first = await idempotencyKeys.get(companyId, key);
      // The key has just expired and been deleted, so it can be used again.
      if (!first) return operations.createCustomer(call);
      if (first.bodySha256 !== bodySha256)
        throw call.error(422, "This Idempotency-Key was used with a different request.");
      // The response depends only on the body, which is the same, and on the ID, so it is not stored.
      const { headers, ...created } = toCreated({
        ...row,
        id: first.customerId,
        version: parseCreatedAt(first.customerId),
      });
      return { ...created, headers: { ...headers, "Idempotent-Replayed": "true" } };
    },

    async updateCustomer(call) {
      const { companyId, keyId, path, body } = call;
      const ifMatch = call.headers["If-Match"];
      const version = ifMatch === undefined ? null : await requireMatch(call, ifMatch);
      const update = buildUpdate({ companyId, id: path.id, version, changedBy: keyId }, body);
      const result = isCustomerId(path.id) ? await database.write([update], companyId) : { failedStep: 0 };
      if ("failedStep" in result) {
        // Customers are never deleted, so one that has just been read can only have changed.
        throw version === null
          ? call.error(404, "Customer not found.")
          : call.error(412, "Customer has changed since it was read.");
      }
      const [[row]] = result.rows;
      return { status: 200, headers: { ETag: toEntityTag(row) }, body: { data: toCustomer(row) } };
    },
  });

  return operations;

  /** The response to the creation of a customer. */
  function toCreated(row: CustomerRow) {
    const headers = { Location: `${customersPath}/${row.id}`, ETag: toEntityTag(row) };
    return { status: 201 as const, headers, body: { data: toCustomer(row) } };
  }

  /**
   * Creates the customer again with another ID: on rare occasions, another process has generated an ID with the same
   * position in the same millisecond.
   * @throws {ApiError} 409 when the email is taken
   */
  async function retryCreate(
    call: Call<"createCustomer">,
    { email }: CustomerRow,
  ): Promise<Reply<"createCustomer">> {
    if (await customers.isEmailTaken(call.companyId, email))
      throw call.error(409, "A customer with this email already exists.");
    return operations.createCustomer(call);
  }

  /**
   * Returns the version that an update requires according to If-Match, or null for any version.
   * @throws {ApiError} 404 when there is no such customer, 412 when none of the tags is current
   */
  async function requireMatch(call: Call<"updateCustomer">, ifMatch: string): Promise<number | null> {
    const tags = parseEntityTags(ifMatch);
    const row = await findCustomer(call);
    if (tags === "*") return null;
    // Also matches the weak form of our tag, which a compressing proxy sends. That is safe, because the tag identifies
    // the version of the customer and not the bytes of a response.
    if (!matchesTag(tags, toEntityTag(row))) throw call.error(412, "Customer has changed since it was read.");
    return row.version;
  }
}

/** Builds the row of a new customer, with a new ID that contains the time of creation. */
export function newCustomer(body: Call<"createCustomer">["body"]): CustomerRow {
  const { email, name = null, status, notes = null, creditLimit = null, taxRateOverride = null } = body;
  const id = newCustomerId();
  return {
    id,
    email: email.toLowerCase(),
    name,
    status,
    notes,
    creditLimit,
    taxRateOverride,
    emailVerified: false,
    version: parseCreatedAt(id),
  };
}

/** Every change increases the version by at least a millisecond, so no two states of a customer share a tag. */
function toEntityTag({ version }: CustomerRow): string {
  return `"${version.toString(36)}"`;
}
