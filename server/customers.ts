/** The four operations on customers. */
import crypto from "node:crypto";
import { basePath } from "./contract.ts";
import { createdAt, isCustomerId, newCustomerId } from "./customerIds.ts";
import { type CustomerRow, createCustomerTable, toCustomer } from "./database/customers.ts";
import type { Database } from "./database/database.ts";
import { foldText } from "./database/foldText.ts";
import { matchesTag, parseEntityTags } from "./entityTags.ts";
import type { ApiError } from "./errors.ts";
import { createIdempotencyKeys } from "./idempotencyKeys.ts";
import { type Call, implementOperations, type Operations, type Reply } from "./operations.ts";

/** A call for one customer, of any operation that may find none. */
type CallForOne = Pick<Call<"getCustomer">, "path" | "companyId"> & {
  error(status: 404, message: "Customer not found."): ApiError;
};

/**
 * The operations of the contract, on a database.
 * @param publicPath the path before `/api/v1` under which partners reach the server
 */
export function createOperations(database: Database, publicPath = "/"): Operations {
  const customersPath = `${publicPath.replace(/\/$/, "")}${basePath}/customers`;
  const customers = createCustomerTable(database);
  const idempotencyKeys = createIdempotencyKeys(database);

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
      // No customer has U+0000, which PostgreSQL does not take, and no email a character that is not ASCII.
      const rows =
        search?.includes("\u0000") || (email && !/^[\u0001-\u007f]*$/.test(email))
          ? []
          : await customers.list({
              ...{ companyId, rows: limit + 1, status },
              ...{ cursor: cursor || undefined, email: email?.toLowerCase() || undefined },
              text: search ? foldText(search) : undefined,
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
      const insertion = customers.insertion(companyId, row, keyId);
      const key = call.headers["Idempotency-Key"];
      if (key === undefined) {
        const result = await database.write([insertion]);
        return "failedStep" in result ? retryCreate(call, row) : toCreated(row);
      }

      // The customer's id is known beforehand, so key and customer are one write: the database
      // makes a second request with this key wait for the first.
      const bodySha256 = crypto.hash("sha256", rawBody);
      const taking = { companyId, key, bodySha256, customerId: row.id };
      const result = await database.write([idempotencyKeys.take(taking), insertion]);
      if ("rows" in result) return toCreated(row);
      if (result.failedStep === 1) return retryCreate(call, row);
      const first = await idempotencyKeys.get(companyId, key);
      // It has just expired, and is forgotten.
      if (!first) return operations.createCustomer(call);
      if (first.bodySha256 !== bodySha256)
        throw call.error(422, "This Idempotency-Key was used with a different request.");
      // The response is a function of the body, which is the same, and of the id: it is not stored.
      const { headers, ...created } = toCreated({
        ...row,
        ...{ id: first.customerId, version: createdAt(first.customerId) },
      });
      return { ...created, headers: { ...headers, "Idempotent-Replayed": "true" } };
    },

    async updateCustomer(call) {
      const { companyId, keyId, path, body } = call;
      const ifMatch = call.headers["If-Match"];
      const version = ifMatch === undefined ? null : await requireMatch(call, ifMatch);
      const update = customers.update({ companyId, id: path.id, version, changedBy: keyId }, body);
      const result = isCustomerId(path.id) ? await database.write([update]) : { failedStep: 0 };
      if ("failedStep" in result) {
        // Customers are never deleted: one that was read a moment ago can only have changed.
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
   * Creates again with another id: another process may have drawn an id of the same position in the same
   * millisecond, once in many thousand.
   * @throws {ApiError} 409 when it was the email that is taken
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
   * The version that an update must find, by the entity tags of If-Match; null for any.
   * @throws {ApiError} 404 when there is no such customer, 412 when none of the tags is its own
   */
  async function requireMatch(call: Call<"updateCustomer">, ifMatch: string): Promise<number | null> {
    const tags = parseEntityTags(ifMatch);
    const row = await findCustomer(call);
    if (tags === "*") return null;
    // The weak form of our tag too, which a compressing proxy makes of it. That is safe, as the tag tells the
    // version of the customer and not its bytes.
    if (!matchesTag(tags, toEntityTag(row))) throw call.error(412, "Customer has changed since it was read.");
    return row.version;
  }
}

/** The row of a new customer. Its id is drawn here, and its time of creation with it. */
export function newCustomer(body: Call<"createCustomer">["body"]): CustomerRow {
  const { email, name = null, status, notes = null, creditLimit = null, taxRateOverride = null } = body;
  const id = newCustomerId();
  return {
    ...{ id, email: email.toLowerCase(), name, status, notes, creditLimit, taxRateOverride },
    ...{ emailVerified: false, version: createdAt(id) },
  };
}

/** Every change moves the version by at least a millisecond, so it tells any two states apart. */
function toEntityTag({ version }: CustomerRow): string {
  return `"${version.toString(36)}"`;
}
