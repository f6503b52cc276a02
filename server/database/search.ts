/**
 * Search: an index of every one, two and three characters in a row, the same on both dialects, so
 * that a term of any length and script finds its few candidates. The query then compares exactly.
 */
import type { Knex } from "knex";
import type { Value } from "./connect.ts";

/** What a search asks for; `text` is folded. */
export interface SearchTerm {
  companyId: string;
  text: string;
  status: string | undefined;
  cursor: string | undefined;
}

/** How a dialect finds the customers of a search. */
export interface Search {
  /** Values of the columns that a new customer has beside its own, by their names. */
  columnsOf(customerId: string): Record<string, Value>;
  /**
   * A page of those customers of a list that contain the term, newest first, at most `:rows`.
   * @param list makes the list's query, which still has neither columns nor order
   */
  query(list: () => Knex.QueryBuilder, columns: string[]): Knex.QueryBuilder;
  /** Values for the placeholders that `query` has put into the list's query, but for `:rows`. */
  valuesOf(term: SearchTerm): Record<string, Value>;
}

/**
 * Text as a search compares it: NFC, then lower case, then the final sigma as any other, so that
 * the sigma of a term's end is found within a word.
 */
export function foldText(text: string): string {
  return text.normalize("NFC").toLowerCase().replaceAll("ς", "σ");
}

/** Every one, two and three characters in a row of a text. */
export function allGrams(text: string): Set<string> {
  const characters = [...text];
  const grams = new Set<string>();
  for (const [index, first] of characters.entries()) {
    const [second, third] = [characters[index + 1], characters[index + 2]];
    grams.add(first);
    if (second !== undefined) grams.add(first + second);
    if (second !== undefined && third !== undefined) grams.add(first + second + third);
  }
  return grams;
}

/** The grams that every text with this term has: all of the longest kind that fits into the term. */
export function gramsOf(term: string): string[] {
  const length = Math.min([...term].length, 3);
  return [...allGrams(term)].filter((gram) => [...gram].length === length);
}
