/** Slices of a list: a bounded number of customers, each compared with a term. */
import type { Knex } from "knex";
import type { CustomerRow } from "./customers.ts";
import type { Database, Statement, Values } from "./database.ts";
import type { SearchedTable } from "./search.ts";
import { named } from "./statement.ts";

/** A match, or the last customer that was compared. */
type SliceRow = CustomerRow & { isMatch: boolean | number; compared: number };

/** SQL of either dialect: whether the email or the name contains `:text`. */
export function contains({ knex, dialect }: Database): Knex.Raw {
  const find = dialect === "sqlite" ? "instr" : "strpos";
  const text = named("text");
  return knex.raw(`(${find}(email, ?) > 0 or coalesce(${find}(folded_name, ?), 0) > 0)`, [text, text]);
}

/**
 * A statement that compares the next `:size` candidates.
 * @param candidates selects the column `key` of the customers that are compared
 * @param order the column that their index gives in order
 */
export function buildSlice(
  { database, columns }: SearchedTable,
  candidates: Knex.QueryBuilder,
  key: "id" | "position",
  order: string,
): Statement<SliceRow> {
  const { knex, prepare, dialect } = database;
  const slice = candidates
    .select({ isMatch: contains(database) })
    .orderByRaw("?? desc limit ?", [order, named("size")]);
  const wanted = knex("slice")
    .select(key)
    .whereRaw(`"isMatch" or ${key} = (select ${key} from slice order by ${key} limit 1)`);
  const query = knex
    .withMaterialized("slice", slice)
    .select(columns)
    // Again, of few rows. A join would make PostgreSQL read the whole table, as it expects many matches.
    .select({ isMatch: contains(database), compared: knex("slice").count("*") })
    .from("customers")
    .whereRaw(dialect === "sqlite" ? `${key} in ?` : `${key} = any(array(?))`, [wanted])
    .orderBy(key, "desc");
  if (key === "id") query.where("company_id", named("companyId"));
  return prepare<SliceRow>(query, { planEachTime: true });
}

/** Runs a slice, adds its matches to those found, and returns how many were compared and the id of the last. */
export async function readSlice(
  read: Database["read"],
  statement: Statement<SliceRow>,
  values: Values,
  found: CustomerRow[],
): Promise<{ compared: number; last: string }> {
  const slice = await read(statement, values);
  let [total, last] = [0, ""];
  for (const { isMatch, compared, ...row } of slice) {
    [total, last] = [compared, row.id];
    if (isMatch) found.push(row);
  }
  return { compared: total, last };
}
