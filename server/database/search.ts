/**
 * Search: an index of every one, two and three characters in a row, the same on both dialects, so
 * that a term of any length and script finds its few candidates. The query then compares exactly.
 */
import type { Knex } from "knex";
import type { Database, Value } from "./connect.ts";

/** What a search asks for; `text` is folded. */
export interface SearchTerm {
  companyId: string;
  text: string;
  status: string | undefined;
}

/** How a dialect finds the candidates of a search. */
export interface Search {
  /** How many customers of a list are compared one by one before the index is asked. */
  readonly window: number;
  /** Whether a column of a customer contains the term, as SQL with a placeholder for each of them. */
  readonly contains: string;
  /** Values of the columns that a new customer has beside its own, by their names. */
  columnsOf(customerId: string): Record<string, Value>;
  /** Narrows a list's query to the customers whose email or name may contain the term. */
  narrow(query: Knex.QueryBuilder): void;
  /** Values for the placeholders that `contains` and `narrow` have put into the query. */
  valuesOf(term: SearchTerm): Record<string, Value>;
}

/**
 * A page of those customers of a list that contain the term. What is common fills the page with the
 * next customers of the list, and a status that few have ends there: for both, the index would go
 * through all customers. For the rest few candidates are left, and the index finds them.
 * @param list makes the list's query, which still has neither columns nor order
 */
export function searchQuery(
  { knex, search }: Pick<Database, "knex" | "search">,
  list: () => Knex.QueryBuilder,
  columns: string[],
): Knex.QueryBuilder {
  const text = [":text", ":text"];
  const next = list().select("*").orderByRaw("id desc limit ?", [search.window]);
  const near = knex("next").select(columns).whereRaw(search.contains, text);
  /** The last of the next ones, where that is not the end. */
  const rest = knex("next")
    .select("*")
    .whereRaw("(select count(*) from next) = ?", [search.window])
    .whereRaw("(select count(*) from near) < ?", [":rows"]);
  const far = list()
    .select(columns)
    .whereExists(knex("rest").select("id"))
    .where("id", "<", knex("rest").select("id"))
    .whereRaw(search.contains, text);
  search.narrow(far);
  return knex
    .withMaterialized("next", next)
    .withMaterialized("near", near.orderByRaw("id desc limit ?", [":rows"]))
    .withMaterialized("rest", rest.orderByRaw("id limit 1"))
    .withMaterialized("far", far)
    .select(columns)
    .from("near")
    .unionAll(knex("far").select(columns))
    .orderByRaw("id desc limit ?", [":rows"]);
}

/**
 * Text as a search compares it: NFC, then lower case, then the final sigma as any other, so that
 * the sigma of a term's end is found within a word.
 */
export function foldText(text: string): string {
  return text.normalize("NFC").toLowerCase().replaceAll("ς", "σ");
}

/** The grams that every text with this term has: all of the longest kind that fits into the term. */
export function gramsOf(term: string): string[] {
  const characters = [...term];
  const size = Math.min(characters.length, 3);
  const starts = characters.slice(size - 1).keys();
  return [...new Set([...starts].map((start) => characters.slice(start, start + size).join("")))];
}
