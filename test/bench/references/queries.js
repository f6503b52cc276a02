/** The database through Knex, as in its documentation: each query is built where it is needed. */
import createKnex from "knex";
import {
  columns,
  databaseFile,
  hashKey,
  isCustomerId,
  keyColumns,
  lastUseGranularityInMilliseconds,
  searchCondition,
  searchValues,
  toKey,
} from "./common.js";

const knex = createKnex({
  client: "better-sqlite3",
  connection: { filename: databaseFile },
  useNullAsDefault: true,
  pool: {
    afterCreate(connection, done) {
      connection.pragma("journal_mode = WAL");
      connection.pragma("synchronous = FULL");
      connection.pragma("foreign_keys = ON");
      connection.pragma("busy_timeout = 1500");
      done(null, connection);
    },
  },
});

const selectCustomers = (companyId) => knex("customers").where("company_id", companyId);

export async function ping() {
  await knex("migrations").max("version");
}

/** Finds the valid key of an Authorization header. */
export async function checkKey(authorization) {
  const now = Date.now();
  const row = await knex("api_keys")
    .join("companies", "companies.id", "api_keys.company_id")
    .where({ sha256: hashKey(authorization), revoked_at: null, blocked_at: null })
    .where((key) => key.whereNull("expires_at").orWhere("expires_at", ">", now))
    .first(keyColumns);
  const key = toKey(row);
  if (now - (row.last_used_at ?? 0) > lastUseGranularityInMilliseconds)
    await knex("api_keys").where({ id: row.id }).update({ last_used_at: now });
  return key;
}

export async function getCustomer(companyId, id) {
  return isCustomerId(id) ? selectCustomers(companyId).where({ id }).first(columns) : undefined;
}

/** Finds up to one row more than `limit`. */
export async function listCustomers(companyId, query) {
  const { limit, cursor, status, search } = query;
  const list = selectCustomers(companyId)
    .select(columns)
    .orderBy(search ? "customers_search.rowid" : "id", "desc")
    .limit(limit + 1);
  if (cursor) list.where("id", "<", cursor);
  if (status) list.where({ status });
  if (search)
    list
      .join("customers_search", "customers_search.rowid", "customers.position")
      .whereRaw(searchCondition, searchValues(companyId, query));
  return list;
}

/** Returns whether the email was unused. */
export async function insertCustomer(row) {
  const inserted = await knex("customers")
    .insert(row)
    .onConflict(["company_id", "email"])
    .ignore()
    .returning("id");
  return inserted.length > 0;
}

/** Returns the row after the update; undefined if there is none. */
export async function updateCustomer(key, id, values) {
  if (!isCustomerId(id)) return undefined;
  const names = Object.keys(values);
  const differs = names.map((name) => `${name} is distinct from ?`).join(" or ") || "false";
  const [row] = await selectCustomers(key.companyId)
    .where({ id })
    .update({
      ...values,
      changed_by: key.id,
      updated_at: knex.raw(`case when ${differs} then max(updated_at + 1, ?) else updated_at end`, [
        ...Object.values(values),
        Date.now(),
      ]),
    })
    .returning(columns);
  return row;
}
