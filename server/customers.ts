/** The four operations on customers. */
import crypto from "node:crypto";
import type { Knex } from "knex";
import { basePath } from "./contract.ts";
import { createdAt, isCustomerId, newCustomerId } from "./customerIds.ts";
import type { Database, Statement, Value } from "./database/connect.ts";
import { createGramChoice, foldText, sampleSize } from "./database/search.ts";
import { type EntityTags, entityTagsOf, matchesWeakly } from "./entityTags.ts";
import type { ApiError } from "./errors.ts";
import { replayWindowInMilliseconds } from "./idempotencyKeys.ts";
import { isoTime } from "./isoTime.ts";
import { type Call, type Customer, implementOperations, type Operations, type Reply } from "./operations.ts";

/** A customer as it is stored; its time of creation is that of its id. */
interface CustomerRow {
  id: string;
  email: string;
  name: string | null;
  status: Customer["status"];
  notes: string | null;
  credit_limit: number | null;
  tax_rate_override: number | null;
  email_verified: number | boolean;
  updated_at: number;
}

const columns = [
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

/** A call for one customer, of any operation that may find none. */
type CallForOne = Pick<Call<"getCustomer">, "path" | "companyId"> & {
  error(status: 404, message: "Customer not found."): ApiError;
};

/** The operations of the contract, on a database. */
export function createOperations(database: Database): Operations {
  const { knex, prepare, read, search, write } = database;
  /** No statement without its company. */
  const customersOf = (companyId: string) => knex("customers").where("company_id", companyId);

  const getById = prepare<CustomerRow>(customersOf(":companyId").select(columns).where("id", ":id"));
  const insert = prepare<{ id: string }>(
    knex("customers")
      .insert({
        company_id: ":companyId",
        id: ":id",
        email: ":email",
        name: ":name",
        folded_name: ":foldedName",
        status: ":status",
        notes: ":notes",
        credit_limit: ":creditLimit",
        tax_rate_override: ":taxRateOverride",
        email_verified: knex.raw("false"),
        updated_at: ":updatedAt",
        changed_by: ":keyId",
        ...Object.fromEntries(
          Object.keys(search.columnsOf(newCustomerId())).map((column) => [column, `:${column}`]),
        ),
      })
      .onConflict()
      .ignore()
      .returning("id"),
  );
  const findByEmail = prepare(customersOf(":companyId").select("id").where("email", ":email"));
  /** Takes an idempotency key that is new or has lapsed, together with the answer to be kept. */
  const takeIdempotencyKey = prepare(
    knex("idempotency_keys")
      .insert({
        company_id: ":companyId",
        key: ":key",
        body_sha256: ":bodySha256",
        customer_id: ":id",
        entity_tag: ":entityTag",
        answer: ":answer",
        created_at: ":now",
      })
      .onConflict(["company_id", "key"])
      .merge()
      .where("idempotency_keys.created_at", "<=", ":lapsedBefore")
      .returning("key"),
  );
  const getIdempotencyKey = prepare<{
    body_sha256: string;
    customer_id: string;
    entity_tag: string;
    answer: string;
  }>(
    knex("idempotency_keys")
      .where("company_id", ":companyId")
      .where("key", ":key")
      // By name: a kept `select *` fails on PostgreSQL once a migration of a later version has added a column.
      .select("body_sha256", "customer_id", "entity_tag", "answer"),
  );

  const sample = prepare<Pick<CustomerRow, "email"> & { folded_name: string | null }>(
    customersOf(":companyId").select("email", "folded_name").orderByRaw("id desc limit ?", [sampleSize]),
  );
  const chooseGrams = createGramChoice((companyId) => read(sample, { companyId }));
  const lists = new Map<string, Statement<CustomerRow>>();
  /** The list's statement for a combination of filters. */
  function listOf(filters: { cursor: boolean; status: boolean; text: boolean }): Statement<CustomerRow> {
    const form = JSON.stringify(filters);
    let statement = lists.get(form);
    if (!statement) {
      const list = () => {
        const query = customersOf(":companyId");
        if (filters.cursor) query.where("id", "<", ":cursor");
        if (filters.status) query.where("status", ":status");
        return query;
      };
      const query = filters.text
        ? search.query(list, columns)
        : // Knex takes nothing but a number for a limit, so it stands in the order.
          list().select(columns).orderByRaw("id desc limit ?", [":rows"]);
      statement = prepare<CustomerRow>(query, { planEachTime: filters.text });
      lists.set(form, statement);
    }
    return statement;
  }

  const updates = new Map<string, Statement<CustomerRow>>();
  /** The update's statement for a set of columns. It leaves `updated_at` where no value differs. */
  function updateOf(changed: string[]): Statement<CustomerRow> {
    const form = changed.join();
    let statement = updates.get(form);
    if (!statement) {
      const set: Record<string, Knex.Value> = Object.fromEntries(
        changed.map((column) => [column, `:${column}`]),
      );
      const differs = changed.map((column) => knex.raw("?? is distinct from ?", [column, `:${column}`]));
      // Its entry in the audit trail is made by the database, where a value differs.
      set.changed_by = ":keyId";
      set.updated_at =
        differs.length === 0
          ? knex.ref("updated_at")
          : knex.raw(
              `case when ${differs.map(() => "?").join(" or ")} then case when updated_at < ? then ? else updated_at + 1 end else updated_at end`,
              [...differs, ":now", ":now"],
            );
      statement = prepare<CustomerRow>(
        customersOf(":companyId")
          .where("id", ":id")
          .whereRaw("updated_at = coalesce(?, updated_at)", [":version"])
          .update(set)
          .returning(columns),
      );
      updates.set(form, statement);
    }
    return statement;
  }

  /** @throws {ApiError} 404 when the company has no such customer */
  async function customerOf(call: CallForOne): Promise<CustomerRow> {
    const [row] = isCustomerId(call.path.id)
      ? await read(getById, { companyId: call.companyId, id: call.path.id })
      : [];
    if (!row) throw call.error(404, "Customer not found.");
    return row;
  }

  const operations: Operations = implementOperations({
    async listCustomers(call) {
      const { companyId } = call;
      const { limit, cursor, status } = call.query;
      const text = foldText(call.query.search ?? "");
      // PostgreSQL stores no U+0000, and no customer has one.
      if (text.includes("\u0000"))
        return { status: 200, body: { data: [], pagination: { hasMore: false, nextCursor: null } } };
      const statement = listOf({ cursor: Boolean(cursor), status: Boolean(status), text: text !== "" });
      const rows = await read(statement, {
        companyId,
        rows: limit + 1,
        cursor: cursor ?? null,
        status: status ?? null,
        ...(text !== "" &&
          search.valuesOf({ companyId, text, grams: await chooseGrams(companyId, text), status, cursor })),
      });
      const data = rows.slice(0, limit).map(toCustomer);
      const hasMore = rows.length > limit;
      return {
        status: 200,
        body: {
          data,
          pagination: {
            hasMore,
            nextCursor: hasMore ? (data.at(-1)?.id ?? null) : null,
          },
        },
      };
    },

    async getCustomer(call) {
      const row = await customerOf(call);
      const headers = { ETag: entityTag(row) };
      const held = call.headers["If-None-Match"];
      if (held !== undefined && matchesWeakly(entityTagsOf(held), headers.ETag))
        return { status: 304, headers, body: undefined };
      return { status: 200, headers, body: { data: toCustomer(row) } };
    },

    async createCustomer(call) {
      const row = newCustomer(call.body);
      const { companyId, keyId } = call;
      const body = { data: toCustomer(row) };
      const insertion = {
        statement: insert,
        values: {
          companyId,
          id: row.id,
          email: row.email,
          name: row.name,
          foldedName: row.name === null ? null : foldText(row.name),
          status: row.status,
          notes: row.notes,
          creditLimit: row.credit_limit,
          taxRateOverride: row.tax_rate_override,
          updatedAt: row.updated_at,
          keyId,
          ...search.columnsOf(row.id),
        },
      };
      const key = call.headers["Idempotency-Key"];
      if (key === undefined) {
        const result = await write([insertion]);
        if ("refusedAt" in result) return createAgain(call, row);
        return {
          status: 201,
          headers: { Location: locationOf(row.id), ETag: entityTag(row) },
          body,
        };
      }

      // The whole answer is known beforehand, so key and customer are one write: the database
      // makes a second request with this key wait for the first.
      const bodySha256 = crypto.hash("sha256", call.rawBody);
      const answer = JSON.stringify(body);
      const now = Date.now();
      const result = await write([
        {
          statement: takeIdempotencyKey,
          values: {
            companyId,
            key,
            bodySha256,
            id: row.id,
            entityTag: entityTag(row),
            answer,
            now,
            lapsedBefore: now - replayWindowInMilliseconds,
          },
        },
        insertion,
      ]);
      if ("rows" in result)
        return {
          status: 201,
          headers: { Location: locationOf(row.id), ETag: entityTag(row) },
          body: answer,
        };
      if (result.refusedAt === 1) return createAgain(call, row);
      const [first] = await read(getIdempotencyKey, { companyId, key });
      // It has lapsed this moment, and is forgotten.
      if (!first) return operations.createCustomer(call);
      if (first.body_sha256 !== bodySha256)
        throw call.error(422, "This Idempotency-Key was used with a different request.");
      return {
        status: 201,
        headers: {
          Location: locationOf(first.customer_id),
          ETag: first.entity_tag,
          "Idempotent-Replayed": "true",
        },
        body: first.answer,
      };
    },

    async updateCustomer(call) {
      const held = call.headers["If-Match"];
      const version = held === undefined ? null : await versionOf(call, entityTagsOf(held));
      const values = changedValues(call.body);
      const result = isCustomerId(call.path.id)
        ? await write([
            {
              statement: updateOf(Object.keys(values)),
              values: {
                ...values,
                companyId: call.companyId,
                id: call.path.id,
                keyId: call.keyId,
                version,
                now: Date.now(),
              },
            },
          ])
        : { refusedAt: 0 };
      if ("refusedAt" in result) {
        // Customers are never deleted: one that was read a moment ago can only have changed.
        throw version === null
          ? call.error(404, "Customer not found.")
          : call.error(412, "Customer has changed since it was read.");
      }
      const row: CustomerRow = result.rows[0]?.[0];
      return {
        status: 200,
        headers: { ETag: entityTag(row) },
        body: { data: toCustomer(row) },
      };
    },
  });

  return operations;

  /**
   * After the database refused a new customer: another process may have drawn an id of the same
   * position in the same millisecond, once in many thousand, and then another id will do.
   * @throws {ApiError} 409 when it was the email
   */
  async function createAgain(
    call: Call<"createCustomer">,
    { email }: CustomerRow,
  ): Promise<Reply<"createCustomer">> {
    const [taken] = await read(findByEmail, { companyId: call.companyId, email });
    if (taken) throw call.error(409, "A customer with this email already exists.");
    return operations.createCustomer(call);
  }

  /**
   * The version that an update must find, out of the entity tags of If-Match.
   * @throws {ApiError} 404 when there is no such customer, 412 when none of the tags is its own
   */
  async function versionOf(call: Call<"updateCustomer">, tags: EntityTags): Promise<number | null> {
    const row = await customerOf(call);
    if (tags === "*") return null;
    // Strong comparison: a weak tag equals none.
    if (!tags.includes(entityTag(row))) throw call.error(412, "Customer has changed since it was read.");
    return row.updated_at;
  }
}

/** The row of a new customer. Its id is drawn here, and its time of creation with it. */
function newCustomer(body: Call<"createCustomer">["body"]): CustomerRow {
  const id = newCustomerId();
  return {
    id,
    email: body.email.toLowerCase(),
    name: body.name ?? null,
    status: body.status,
    notes: body.notes ?? null,
    credit_limit: body.creditLimit ?? null,
    tax_rate_override: body.taxRateOverride ?? null,
    email_verified: false,
    updated_at: createdAt(id),
  };
}

/** The columns that an update sets. */
function changedValues(body: Call<"updateCustomer">["body"]): Record<string, Value> {
  const { name, notes, creditLimit, taxRateOverride, status } = body;
  return {
    ...(name !== undefined && {
      name,
      folded_name: name === null ? null : foldText(name),
    }),
    ...(notes !== undefined && { notes }),
    ...(creditLimit !== undefined && { credit_limit: creditLimit }),
    ...(taxRateOverride !== undefined && {
      tax_rate_override: taxRateOverride,
    }),
    ...(status !== undefined && { status }),
  };
}

function toCustomer(row: CustomerRow): Customer {
  return {
    id: row.id,
    email: row.email,
    name: row.name,
    status: row.status,
    notes: row.notes,
    creditLimit: row.credit_limit,
    taxRateOverride: row.tax_rate_override,
    emailVerified: Boolean(row.email_verified),
    createdAt: isoTime(createdAt(row.id)),
    updatedAt: isoTime(row.updated_at),
  };
}

/** Every change moves `updated_at` by at least a millisecond, so it tells any two states apart. */
function entityTag(row: CustomerRow): string {
  return `"${row.updated_at.toString(36)}"`;
}

function locationOf(id: string): string {
  return `${basePath}/customers/${id}`;
}
