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

/** How a dialect finds the candidates of a search. */
export interface Search {
  /** The column by which a search is ordered; its order is that of the ids. */
  readonly order: string;
  /** Values of the columns that a new customer has beside its own, by their names. */
  columnsOf(customerId: string): Record<string, Value>;
  /** Narrows a list's query to the customers whose email or name may contain the term. */
  narrow(query: Knex.QueryBuilder): void;
  /** Values for the placeholders that `narrow` has put into the query. */
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
