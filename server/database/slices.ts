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
 */
export function buildSlice(
  { database, columns }: SearchedTable,
  candidates: Knex.QueryBuilder,
  key: "id" | "position",
): Statement<SliceRow> {
  const { knex, prepare } = database;
  // Only what tells the matches: the other columns are read of those alone.
  const compared = candidates.select({ isMatch: contains(database) });
  const slice = compared.orderByRaw("?? desc limit ?", [`customers.${key}`, named("size")]);
  return prepare<SliceRow>(
    knex
      .withMaterialized("slice", slice)
      .select(columns.map((column) => `customers.${column}`))
      .select("slice.isMatch")
      .select(knex.raw('(select count(*) from slice) as "compared"'))
      .from("slice")
      .join("customers", (join) => {
        join.on(`customers.${key}`, `slice.${key}`);
        if (key === "id") join.on("customers.company_id", knex.raw("?", [named("companyId")]));
      })
      .whereRaw(`"isMatch" or slice.${key} = (select ${key} from slice order by ${key} limit 1)`)
      .orderByRaw(`slice.${key} desc`),
    { planEachTime: true },
  );
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
