/** PostgreSQL: finds customers by pg_trgm's index. */
import { StatementTimeoutError } from "../errors.ts";
import type { CustomerRow } from "./customers.ts";
import type { Values } from "./database.ts";
import type { FindByIndex, SearchedTable } from "./search.ts";
import { contains } from "./slices.ts";
import { keepStatements, named } from "./statement.ts";

/** The least time that the index is given. */
const leastMilliseconds = 20;

/** A term that the index has something of: pg_trgm knows letters and digits, three in a row. */
const hasTrigram = /[\p{L}\p{M}\p{N}]{3}/u;

/** The index of a table. */
export function createPostgresIndex({ database, columns, buildList }: SearchedTable): FindByIndex {
  const { knex, prepare, read } = database;
  type Form = { cursor: boolean; status: boolean };
  /** Without an order, so that the planner takes the index and does not read in order of the ids. */
  const foundOf = keepStatements((form: Form) =>
    prepare<CustomerRow>(
      knex
        .withMaterialized(
          "found",
          buildList(form)
            .select(columns)
            .whereRaw("(email || chr(1) || coalesce(folded_name, '')) like ?", [named("pattern")])
            .where(contains(database)),
        )
        .select("*")
        .from("found")
        .orderByRaw("id desc limit ?", [named("rows")]),
      { planEachTime: true },
    ),
  );
  /** The planner's estimate of how many customers a list has. */
  const estimateOf = keepStatements((form: Form) => {
    const { sql, bindings, ...other } = prepare<{ "QUERY PLAN": [{ Plan: { "Plan Rows": number } }] }>(
      buildList(form).select("id"),
      { planEachTime: true },
    );
    return { ...other, bindings, sql: `explain (format json) ${sql}` };
  });

  return async function findByIndex(filters, { millisecondsPerRow }) {
    const { companyId, text, status, cursor, rows } = filters;
    if (!hasTrigram.test(text)) return undefined;
    const form = { cursor: cursor !== undefined, status: status !== undefined };
    const values: Values = {
      ...{ companyId, rows, text, cursor: cursor ?? null, status: status ?? null },
      pattern: `%${text.replace(/[\\%_]/g, "\\$&")}%`,
    };
    const [estimate] = await read(estimateOf(form), values);
    const estimatedRows = estimate?.["QUERY PLAN"][0].Plan["Plan Rows"] ?? 0;
    // As long as reading all of them in order would take, so that both together take twice that at most.
    const timeoutInMilliseconds = Math.max(leastMilliseconds, estimatedRows * millisecondsPerRow);
    try {
      return await read(foundOf(form), values, { timeoutInMilliseconds });
    } catch (error) {
      if (error instanceof StatementTimeoutError) return undefined;
      throw error;
    }
  };
}
