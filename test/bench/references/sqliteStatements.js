/** The database through statements of better-sqlite3 that are prepared once. */
// Loads better-sqlite3 from the project itself, so that all servers use the same SQLite.
import Sqlite from "better-sqlite3";
import {
  columns,
  databaseFile,
  hashKey,
  isCustomerId,
  keyQuery,
  lastUseGranularityInMilliseconds,
  newRow,
  searchCondition,
  searchJoin,
  searchValues,
  toKey,
} from "./common.js";

const database = new Sqlite(databaseFile);
database.pragma("journal_mode = WAL");
database.pragma("synchronous = FULL");
database.pragma("foreign_keys = ON");
database.pragma("busy_timeout = 1500");

// Because of the plus, SQLite does not prepare the join again for each value.
const selectKey = database.prepare(keyQuery("+?", "+?"));
const setLastUse = database.prepare("update api_keys set last_used_at = ? where id = ?");
const selectOne = database.prepare(`select ${columns} from customers where company_id = ? and id = ?`);
const selectVersion = database.prepare("select max(version) as version from migrations");
const rowColumns = Object.keys(newRow("", { email: "" }, ""));
const insert = database.prepare(
  `insert into customers (${rowColumns}) values (${rowColumns.map((column) => `:${column}`)})
   on conflict (company_id, email) do nothing`,
);

const kept = new Map();
/** Returns the statement with this text, prepared at its first use. */
function prepared(sql) {
  let statement = kept.get(sql);
  if (!statement) kept.set(sql, (statement = database.prepare(sql)));
  return statement;
}

export function ping() {
  selectVersion.get();
}

/** Finds the valid key of an Authorization header. */
export function checkKey(authorization) {
  const now = Date.now();
  const row = selectKey.get(hashKey(authorization), now);
  const key = toKey(row);
  if (now - (row.last_used_at ?? 0) > lastUseGranularityInMilliseconds) setLastUse.run(now, row.id);
  return key;
}

export function getCustomer(companyId, id) {
  return isCustomerId(id) ? selectOne.get(companyId, id) : undefined;
}

/** Finds up to one row more than `limit`. */
export function listCustomers(companyId, query) {
  const { limit, cursor, status, search } = query;
  const sql = `select ${columns} from customers ${search ? `join customers_search on ${searchJoin}` : ""}
    where company_id = ? ${cursor ? "and id < ?" : ""} ${status ? "and status = ?" : ""}
      ${search ? `and ${searchCondition}` : ""}
    order by ${search ? "customers_search.rowid" : "id"} desc limit ?`;
  const values = [companyId, cursor, status].filter(Boolean);
  if (search) values.push(...searchValues(companyId, query));
  return prepared(sql).all(...values, limit + 1);
}

/** Returns whether the email was unused. */
export function insertCustomer(row) {
  return insert.run(row).changes > 0;
}

/** Returns the row after the update; undefined if there is none. */
export function updateCustomer(key, id, values) {
  if (!isCustomerId(id)) return undefined;
  const names = Object.keys(values);
  const differs = names.map((name) => `${name} is distinct from :${name}`).join(" or ") || "false";
  const sql = `update customers set ${names.map((name) => `${name} = :${name}, `).join("")}
      changed_by = :keyId, updated_at = case when ${differs} then max(updated_at + 1, :now) else updated_at end
    where company_id = :companyId and id = :id returning ${columns}`;
  return prepared(sql).get({ ...values, now: Date.now(), companyId: key.companyId, keyId: key.id, id });
}
