/** PostgreSQL: searches customers with the pg_trgm index. */
import { StatementTimeoutError } from "../errors.ts";
import type { CustomerRow, ListForm } from "./customers.ts";
import type { Values } from "./database.ts";
import { createRarity } from "./rarity.ts";
import type { FindByIndex, SearchedTable } from "./search.ts";
import { contains } from "./slices.ts";
import { keepStatements, named } from "./statement.ts";

/**
 * The shortest and the longest timeout of an index query, and the timeout of comparing each customer, in milliseconds:
 * together with what precedes them, they fit into the time that a request may take.
 */
const [minTimeout, maxTimeout, comparisonTimeout] = [20, 200, 1_000];
/**
 * How many words of a term, the rarest ones, are looked up in the index. Longer words are split into words of at most
 * this many characters.
 */
const [maxWords, maxWordLength] = [2, 8];
/** If more than this many of 100 sampled customers contain a word, comparing each customer is faster than the index. */
const maxSampleMatches = 50;

/**
 * If a list has more than this share of all customers, only the words are looked up in the index: looking up the company
 * would decode the list of all its customers, which took 13 of 15 ms with a million customers.
 */
const largeShare = 0.25;

/** Fetching a hit of the index costs as much as reading this many customers in order. */
const hitCost = 4;

/** The words of a term that the index can find: pg_trgm indexes sequences of three letters or digits. */
const word = new RegExp(`[\\p{L}\\p{M}\\p{N}]{3,${maxWordLength}}`, "gu");

/** SQL expression: the indexed text of a customer, as in the schema. */
const indexedText = "(email || chr(1) || coalesce(folded_name, ''))";

/** Creates the index search of a table. */
export function createPostgresIndex({ database, columns, buildList }: SearchedTable): FindByIndex {
  const { knex, prepare, read } = database;
  const sortByRarity = createRarity({ database, columns, buildList });
  /** The inner query has no order, so that the planner uses the index instead of reading in ID order. */
  const getIndexQuery = keepStatements(({ wordCount, ...form }: ListForm & { wordCount: number }) => {
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
  /** The planner's estimate of the number of customers in a list. */
  const getEstimate = keepStatements((form: ListForm) => {
    const { sql, bindings, ...other } = prepare<{ "QUERY PLAN": [{ Plan: { "Plan Rows": number } }] }>(
      buildList(form).select("id"),
      { planEachTime: true },
    );
    return { ...other, bindings, sql: `explain (format json) ${sql}` };
  });

  /** The planner's estimate of the total number of customers; absent before the first `analyze`. */
  const getTotal = prepare<{ total: number | null }>(
    knex.raw("select nullif(reltuples, -1) as total from pg_class where oid = 'customers'::regclass"),
  );

  /**
   * Compares each customer, in order until the page is full (in slices, it would take a third longer) or, if matches are
   * rare, all of them. In ID order, the planner expects the page to fill early and scans the index with one process; in
   * an order without an index, it scans the table with several.
   */
  const getComparison = keepStatements(({ isRare, ...form }: ListForm & { isRare: boolean }) =>
    prepare<CustomerRow>(
      buildList(form)
        .select(columns)
        .where(contains(database))
        .orderByRaw(`${isRare ? 'id::text collate "C"' : "id"} desc limit ?`, [named("rows")]),
      { planEachTime: true },
    ),
  );

  return async function findByIndex(filters, { compared, matches, millisecondsPerRow }) {
    const { companyId, text, status, cursor, rows } = filters;
    const form = { cursor: true, status: status !== undefined };
    const values: Values = { companyId, rows, text, cursor, status: status ?? null };
    const [[estimate], [table], words] = await Promise.all([
      read(getEstimate(form), values),
      read(getTotal, {}),
      sortByRarity(companyId, text.match(word) ?? []),
    ]);
    const listed = estimate?.["QUERY PLAN"][0].Plan["Plan Rows"] ?? 0;
    const share = matches / compared;
    const isRare = share * listed < rows;
    const compareEach = () =>
      read(getComparison({ ...form, isRare }), values, { timeoutInMilliseconds: comparisonTimeout });

    // Few customers contain a word that no sampled customer contains: looking up a more common one as well would cost
    // more.
    const isEachInSample = (words[0]?.count ?? 0) > 0;
    const rarest = words.slice(0, maxWords).filter(({ count }) => count === 0 || isEachInSample);
    if (!rarest[0] || rarest[0].count > maxSampleMatches) return compareEach();
    if (rows / share < hitCost * share * listed) return compareEach();

    // As long as reading in order would take, so that both together take at most twice as long.
    const millisecondsInOrder = listed * millisecondsPerRow;
    const timeoutInMilliseconds = Math.min(Math.max(minTimeout, millisecondsInOrder), maxTimeout);
    const isCompanyIgnoredByIndex = listed > largeShare * (table?.total ?? Number.POSITIVE_INFINITY);
    const patterns = rarest.map(({ part }, index) => [`pattern${index}`, `%${part}%`]);
    try {
      return await read(
        getIndexQuery({ ...form, isCompanyIgnoredByIndex, wordCount: rarest.length }),
        { ...values, ...Object.fromEntries(patterns) },
        { timeoutInMilliseconds },
      );
    } catch (error) {
      if (error instanceof StatementTimeoutError) return compareEach();
      throw error;
    }
  };
}
