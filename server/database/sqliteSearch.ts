/** SQLite: finds customers by FTS5's index of trigrams. */
import { setImmediate as nextTurn } from "node:timers/promises";
import { positionOf } from "../customerIds.ts";
import { UnavailableError } from "../errors.ts";
import { timeoutInMilliseconds } from "./connect.ts";
import type { CustomerRow } from "./customers.ts";
import type { Values } from "./database.ts";
import type { FindByIndex, SearchedTable } from "./search.ts";
import { buildSlice, readSlice } from "./slices.ts";
import { keepStatements, named } from "./statement.ts";

/** The trigrams that a search looks up of a term, the rarest ones; each costs a list of the index. */
const mostTrigrams = 4;
/** So many of a company's newest customers tell which trigrams are rare. */
const sampleSize = 100;
/** The trigrams that a search looks up of a term that is shorter than one; with more, it reads in order. */
const mostContinuations = 100;
/** Candidates that one statement compares. */
const sliceSize = 1_000;

/** The index of a table. */
export function createSqliteIndex(table: SearchedTable): FindByIndex {
  const { knex, prepare, read } = table.database;
  const sample = prepare<{ text: string }>(
    knex("customers")
      .where("company_id", named("companyId"))
      .select("search_text as text")
      .orderByRaw("id desc limit ?", [sampleSize]),
  );
  /** The trigrams from `:low` on and below `:high`, each found by a look-up behind the one before. */
  const continuations = prepare<{ trigram: string }>(
    knex.raw(
      `with recursive found (trigram) as (
         select (select term from customers_vocabulary where term >= ? and term < ? limit 1)
         union all
         select (select term from customers_vocabulary where term >= found.trigram || char(1) and term < ? limit 1)
         from found where trigram is not null
         limit ?
       ) select trigram from found where trigram is not null`,
      [named("low"), named("high"), named("high"), mostContinuations + 1],
    ),
  );
  const candidatesOf = keepStatements((hasStatus: boolean) => {
    const query = knex("customers_search")
      .join("customers", "customers.position", "customers_search.rowid")
      .whereRaw("customers_search match ?", [named("match")])
      .where("customers_search.rowid", "<", named("before"))
      .where("company_id", named("companyId"))
      .select("customers.position");
    if (hasStatus) query.where("status", named("status"));
    return buildSlice(table, query, "position");
  });

  /** The condition of the index that every customer with this text meets, or undefined where it is too long. */
  async function buildMatch(companyId: string, text: string): Promise<string | undefined> {
    const trigrams = toTrigrams(text);
    if (trigrams.length > 0) {
      const texts = trigrams.length > mostTrigrams ? await read(sample, { companyId }) : [];
      return chooseRarest(trigrams, texts).map(quote).join(" AND ");
    }
    const found = await read(continuations, { low: text, high: toUpperBound(text) });
    if (found.length > mostContinuations) return undefined;
    return found.length === 0 ? "" : `(${found.map(({ trigram }) => quote(trigram)).join(" OR ")})`;
  }

  return async function findByIndex({ companyId, text, status, cursor, rows }) {
    const match = await buildMatch(companyId, text);
    if (match === undefined) return undefined;
    const found: CustomerRow[] = [];
    if (match === "") return found;
    const marker = toMarkers(companyId, status).map(quote).join(" AND ");
    const statement = candidatesOf(status !== undefined);
    const deadline = performance.now() + timeoutInMilliseconds;
    for (let before = cursor === undefined ? 2n ** 63n - 1n : positionOf(cursor); ; ) {
      if (performance.now() > deadline)
        throw new UnavailableError("search", { cause: new Error("took too long") });
      const values: Values = {
        ...{ match: `${marker} AND ${match}`, before, companyId, text },
        ...{ size: sliceSize, status: status ?? null },
      };
      const { compared, last } = await readSlice(read, statement, values, found);
      if (found.length >= rows || compared < sliceSize) return found.slice(0, rows);
      before = positionOf(last);
      await nextTurn();
    }
  };
}

/** Every three characters in a row, in code points, once each. */
function toTrigrams(text: string): string[] {
  const characters = [...text];
  return [...new Set(characters.slice(2).map((last, at) => `${characters[at]}${characters[at + 1]}${last}`))];
}

/** The trigrams that fewest of the texts contain. */
function chooseRarest(trigrams: string[], texts: { text: string }[]): string[] {
  if (trigrams.length <= mostTrigrams) return trigrams;
  const count = (trigram: string) => texts.filter(({ text }) => text.includes(trigram)).length;
  const counted = trigrams.map((trigram) => ({ trigram, count: count(trigram) }));
  return counted
    .sort((one, other) => one.count - other.count)
    .slice(0, mostTrigrams)
    .map(({ trigram }) => trigram);
}

/** A text that is greater than every text that begins with this one, in the order of code points. */
function toUpperBound(text: string): string {
  const codes = [...text].map((character) => character.codePointAt(0) as number);
  while (codes.at(-1) === 0x10ffff) codes.pop();
  const last = codes.pop();
  // Behind the greatest code point there is only a blob, which is greater than every text.
  if (last === undefined) return "\u{10ffff}".repeat(4);
  return String.fromCodePoint(...codes, last === 0xd7ff ? 0xe000 : last + 1);
}

/** The trigrams of a company, and of its customers of a status: see the schema. */
function toMarkers(companyId: string, status: string | undefined): string[] {
  const digits = [companyId.slice(30, 33), companyId.slice(33, 36)];
  const company = String.fromCharCode(...digits.map((three) => 0xe000 + Number.parseInt(three, 16)));
  if (status === undefined) return [`\ue000${company}`];
  return [`${company}${status === "BLOCKED" ? "\uf001" : "\uf000"}`];
}

/** A string of FTS5's query language. */
function quote(text: string): string {
  return `"${text.replaceAll('"', '""')}"`;
}
