/** PostgreSQL: finds customers by pg_trgm's index. */
import { StatementTimeoutError } from "../errors.ts";
import type { CustomerRow } from "./customers.ts";
import type { Values } from "./database.ts";
import { createRarity } from "./rarity.ts";
import type { FindByIndex, SearchedTable } from "./search.ts";
import { contains } from "./slices.ts";
import { keepStatements, named } from "./statement.ts";

/** The least time that the index is given. */
const leastMilliseconds = 20;
/** The words of a term that the index looks up, the rarest ones, and how many characters of each. */
const [mostWords, longestWord] = [2, 8];
/** The index finds no word that more of a hundred customers have faster than reading in order does. */
const mostOfHundred = 50;

/** To fetch a hit of the index costs so many times what the next customer in order costs. */
const hitCost = 4;

/** What the index has of a term: pg_trgm knows letters and digits, three in a row. */
const word = new RegExp(`[\\p{L}\\p{M}\\p{N}]{3,${longestWord}}`, "gu");

/** SQL: what the schema's index has of a customer. */
const indexedText = "(email || chr(1) || coalesce(folded_name, ''))";

/** The index of a table. */
export function createPostgresIndex({ database, columns, buildList }: SearchedTable): FindByIndex {
  const { knex, prepare, read } = database;
  const sortByRarity = createRarity({ database, columns, buildList });
  type Form = { cursor: boolean; status: boolean };
  /** Without an order, so that the planner takes the index and does not read in order of the ids. */
  const foundOf = keepStatements(({ wordCount, ...form }: Form & { wordCount: number }) => {
    const rarest = Array.from({ length: wordCount }, (_, index) => named(`pattern${index}`));
    return prepare<CustomerRow>(
      knex
        .withMaterialized(
          "found",
          buildList(form)
            .select(columns)
            .whereRaw(rarest.map(() => `${indexedText} like ?`).join(" and "), rarest)
            .where(contains(database)),
        )
        .select("*")
        .from("found")
        .orderByRaw("id desc limit ?", [named("rows")]),
      { planEachTime: true },
    );
  });
  /** The planner's estimate of how many customers a list has. */
  const estimateOf = keepStatements((form: Form) => {
    const { sql, bindings, ...other } = prepare<{ "QUERY PLAN": [{ Plan: { "Plan Rows": number } }] }>(
      buildList(form).select("id"),
      { planEachTime: true },
    );
    return { ...other, bindings, sql: `explain (format json) ${sql}` };
  });

  /** Reads in order, and ends with the page. */
  const listOf = keepStatements((form: Form) =>
    prepare<CustomerRow>(
      buildList(form)
        .select(columns)
        .where(contains(database))
        .orderByRaw("id desc limit ?", [named("rows")]),
      { planEachTime: true },
    ),
  );

  return async function findByIndex(filters, { compared, matches, millisecondsPerRow }) {
    const { companyId, text, status, cursor, rows } = filters;
    const form = { cursor: cursor !== undefined, status: status !== undefined };
    const values: Values = { companyId, rows, text, cursor: cursor ?? null, status: status ?? null };
    const readInOrder = () => read(listOf(form), values);

    const words = await sortByRarity(companyId, text.match(word) ?? []);
    const rarest = words.slice(0, mostWords);
    if (!rarest[0] || rarest[0].count > mostOfHundred) return readInOrder();
    const [estimate] = await read(estimateOf(form), values);
    const listed = estimate?.["QUERY PLAN"][0].Plan["Plan Rows"] ?? 0;
    const share = matches / compared;
    if (rows / share < hitCost * share * listed) return readInOrder();

    const patterns = rarest.map(({ part }, index) => [`pattern${index}`, `%${part}%`]);
    try {
      return await read(
        foundOf({ ...form, wordCount: rarest.length }),
        { ...values, ...Object.fromEntries(patterns) },
        // As long as reading in order would take, so that both together take twice that at most.
        { timeoutInMilliseconds: Math.max(leastMilliseconds, listed * millisecondsPerRow) },
      );
    } catch (error) {
      if (error instanceof StatementTimeoutError) return readInOrder();
      throw error;
    }
  };
}
