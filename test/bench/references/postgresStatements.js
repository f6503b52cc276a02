/** The database through pg: a pool of connections and named statements, which PostgreSQL prepares once on each. */
import pg from "pg";
import {
  columns,
  databaseUrl,
  foldText,
  hashKey,
  isCustomerId,
  keyQuery,
  lastUseGranularityInMilliseconds,
  newRow,
  toKey,
} from "./common.js";

// Times in milliseconds.
pg.types.setTypeParser(20, Number);
// As many connections as the server itself has by default.
const pool = new pg.Pool({ connectionString: databaseUrl, max: 10 });

const names = new Map();
/** Runs a statement that is prepared under a name. */
async function query(text, values) {
  let name = names.get(text);
  if (!name) names.set(text, (name = `s${names.size}`));
  return (await pool.query({ name, text, values })).rows;
}

const selectKey = keyQuery("$1", "$2");
const setLastUse = "update api_keys set last_used_at = $1 where id = $2";
const selectOne = `select ${columns} from customers where company_id = $1 and id = $2`;
const rowColumns = Object.keys(newRow("", { email: "" }, "")).filter((column) => column !== "position");
const insert = `insert into customers (${rowColumns}) values (${rowColumns.map((_, index) => `$${index + 1}`)})
  on conflict (company_id, email) do nothing`;

export async function ping() {
  await query("select max(version) as version from migrations", []);
}

/** Finds the valid key of an Authorization header. */
export async function checkKey(authorization) {
  const now = Date.now();
  const [row] = await query(selectKey, [hashKey(authorization), now]);
  const key = toKey(row);
  if (now - (row.last_used_at ?? 0) > lastUseGranularityInMilliseconds)
    await query(setLastUse, [now, row.id]);
  return key;
}

export async function getCustomer(companyId, id) {
  return isCustomerId(id) ? (await query(selectOne, [companyId, id]))[0] : undefined;
}

/** Finds up to one row more than `limit`. */
export function listCustomers(companyId, { limit, cursor, status, search }) {
  const values = [companyId];
  const value = (given) => `$${values.push(given)}`;
  const conditions = ["company_id = $1"];
  if (cursor) conditions.push(`id < ${value(cursor)}`);
  if (status) conditions.push(`status = ${value(status)}`);
  if (search) {
    const text = foldText(search);
    const pattern = `%${text.replace(/[\\%_]/g, "\\$&")}%`;
    conditions.push(`(email || chr(1) || coalesce(folded_name, '')) like ${value(pattern)}`);
    const place = value(text);
    conditions.push(`(strpos(email, ${place}) > 0 or strpos(folded_name, ${place}) > 0)`);
  }
  const where = conditions.join(" and ");
  return query(
    `select ${columns} from customers where ${where} order by id desc limit ${value(limit + 1)}`,
    values,
  );
}

/** Returns whether the email was unused. */
export async function insertCustomer(row) {
  const values = rowColumns.map((column) =>
    column === "email_verified" ? Boolean(row[column]) : row[column],
  );
  const { rowCount } = await pool.query({ name: "insert", text: insert, values });
  return rowCount > 0;
}

/** Returns the row after the update; undefined if there is none. */
export async function updateCustomer(key, id, changed) {
  if (!isCustomerId(id)) return undefined;
  const values = [key.companyId, id, key.id];
  const places = Object.entries(changed).map(([name, given]) => [name, `$${values.push(given)}`]);
  const differs = places.map(([name, place]) => `${name} is distinct from ${place}`).join(" or ");
  const version = differs
    ? `case when ${differs} then greatest(updated_at + 1, $${values.push(Date.now())}) else updated_at end`
    : "updated_at";
  const [row] = await query(
    `update customers set ${places.map(([name, place]) => `${name} = ${place}, `).join("")}
       changed_by = $3, updated_at = ${version}
     where company_id = $1 and id = $2 returning ${columns}`,
    values,
  );
  return row;
}
