/** SQLite: searches customers with FTS5's trigram index. */
import { setImmediate as nextTurn } from "node:timers/promises";
import { toPosition } from "../customerIds.ts";
import { UnavailableError } from "../errors.ts";
import { timeoutInMilliseconds } from "./connect.ts";
import type { CustomerRow } from "./customers.ts";
import type { Values } from "./database.ts";
import { createRarity } from "./rarity.ts";
import type { FindByIndex, SearchedTable } from "./search.ts";
import { contains, type Slices } from "./slices.ts";
import { keepStatements, named } from "./statement.ts";

/** How many of a term's trigrams are looked up, the rarest ones first; each costs an index lookup. */
const maxTrigrams = 3;
/** How many trigrams are looked up for a term that is shorter than a trigram. */
const maxContinuations = 100;
/** If there are more, the index entries of all companies are read, provided that there are at most this many. */
const maxEntries = 20_000;
/** How many candidates the first statement compares, and the maximum for the others. */
const [firstSlice, largestSlice] = [128, 1_024];

/** Creates the index search of a table. */
export function createSqliteIndex(table: SearchedTable, slices: Slices): FindByIndex {
  const { knex, prepare, read, searchWindow } = table.database;
  const sortByRarity = createRarity(table);
  /** The trigrams from `low` up to but excluding `high`, each found by a lookup after the previous one. */
  const continuations = prepare<{ trigram: string }>(
    knex.raw(
      `with recursive found (trigram) as (
         select (select term from customers_vocabulary where term >= ? and term < ? limit 1)
         union all
         select (select term from customers_vocabulary where term >= found.trigram || char(1) and term < ? limit 1)
         from found where trigram is not null
         limit ?
       ) select trigram from found where trigram is not null`,
      [named("low"), named("high"), named("high"), maxContinuations + 1],
    ),
  );
  /** Compares the next candidates of the index; returns the matches, and the last candidate. */
  const getCandidates = keepStatements((hasStatus: boolean) => {
    const candidates = knex("customers_search")
      .join("customers", "customers.position", "customers_search.rowid")
      .whereRaw("customers_search match ?", [named("match")])
      .where("customers_search.rowid", "<", named("before"))
      .where("company_id", named("companyId"))
      .select("customers.position", { isMatch: contains(table.database) })
      .orderByRaw("customers_search.rowid desc limit ?", [named("size")]);
    if (hasStatus) candidates.where("status", named("status"));
    return prepare<CustomerRow & { isMatch: number; compared: number }>(
      knex
        .withMaterialized("slice", candidates)
        .select(table.columns)
        // Computed again, but only for a few rows.
        .select({ isMatch: contains(table.database), compared: knex("slice").count("*") })
        .from("customers")
        .whereRaw("position in (select position from slice where isMatch)")
        .orWhereRaw("position = (select min(position) from slice)")
        .orderBy("position", "desc"),
    );
  });

  const entries = knex("customers_vocabulary")
    .where("term", ">=", named("low"))
    .where("term", "<", named("high"));
  const countEntries = prepare<{ count: number }>(
    knex.count({ count: "*" }).from(
      entries
        .clone()
        .select("doc")
        .limit(maxEntries + 1)
        .as("entries"),
    ),
  );
  const getEntryMatches = keepStatements((hasStatus: boolean) => {
    const query = knex
      .select(table.columns)
      .from(entries.clone().distinct("doc").as("entries"))
      // SQLite keeps the order of a cross join: first the entries, then the customer of each.
      .joinRaw("cross join customers on position = doc")
      .where("company_id", named("companyId"))
      .where("id", "<", named("cursor"))
      .where(contains(table.database));
    if (hasStatus) query.where("status", named("status"));
    return prepare<CustomerRow>(query.orderByRaw("position desc limit ?", [named("rows")]));
  });

  /** Builds an index query that matches every customer with this text. Returns undefined if it would be too long. */
  async function buildMatch(companyId: string, text: string): Promise<string | undefined> {
    const trigrams = toTrigrams(text);
    if (trigrams.length > 0) {
      const rarest =
        trigrams.length > maxTrigrams
          ? (await sortByRarity(companyId, trigrams)).slice(0, maxTrigrams).map(({ part }) => part)
          : trigrams;
      // FTS5 would flatten a single AND and advance the long list of the company for every candidate of the first
      // trigram. An OR with a term that no folded text contains keeps the trigrams together, which takes a third of the
      // time.
      return `((${rarest.map(quote).join(" AND ")}) OR "AAA")`;
    }
    const found = await read(continuations, toRange(text));
    if (found.length > maxContinuations) return undefined;
    return found.length === 0 ? "" : `(${found.map(({ trigram }) => quote(trigram)).join(" OR ")})`;
  }

  return async function findByIndex(filters) {
    const { companyId, text, status, cursor, rows } = filters;
    // Comparing the few remaining customers is cheaper than the index.
    if ((await slices.findEnd(filters, searchWindow)) === undefined) return undefined;
    const list = { companyId, status: status ?? null, cursor };
    const match = await buildMatch(companyId, text);
    if (match === undefined) {
      const range = toRange(text);
      const [entry] = await read(countEntries, range);
      if (!entry || entry.count > maxEntries) return undefined;
      return read(getEntryMatches(status !== undefined), { ...list, ...range, text, rows });
    }
    const found: CustomerRow[] = [];
    if (match === "") return found;
    const marker = toMarkers(companyId, status).map(quote).join(" AND ");
    const statement = getCandidates(status !== undefined);
    const deadline = performance.now() + timeoutInMilliseconds;
    let before = toPosition(cursor);
    for (let size = firstSlice; ; size = Math.min(size * 2, largestSlice)) {
      if (performance.now() > deadline) throw new UnavailableError("the search took too long");
      const values: Values = { ...list, match: `${match} AND ${marker}`, before, text, size };
      const candidates = await read(statement, values);
      for (const { isMatch, compared, ...row } of candidates) if (isMatch) found.push(row);
      const last = candidates.at(-1);
      if (!last || found.length >= rows || last.compared < size) return found.slice(0, rows);
      before = toPosition(last.id);
      await nextTurn();
    }
  };
}

/** Lists the distinct trigrams of a text: sequences of three code points. */
function toTrigrams(text: string): string[] {
  const characters = [...text];
  return [...new Set(characters.slice(2).map((last, at) => `${characters[at]}${characters[at + 1]}${last}`))];
}

/** Returns the range of trigrams that start with a text, in code point order: from `low` up to but excluding `high`. */
function toRange(text: string): { low: string; high: string } {
  // FTS5 indexes the noncharacters U+FFFE and U+FFFF as U+FFFD.
  const low = text.replace(/[\ufffe\uffff]/g, "\ufffd");
  const codes = [...low].map((character) => character.codePointAt(0) as number);
  while (codes.at(-1) === 0x10ffff) codes.pop();
  const last = codes.pop();
  // Trigrams have three characters, so each is less than the greatest character repeated four times.
  if (last === undefined) return { low, high: "\u{10ffff}".repeat(4) };
  // U+D7FF is followed by the surrogates, which are not characters.
  return { low, high: String.fromCodePoint(...codes, last === 0xd7ff ? 0xe000 : last + 1) };
}

/** Returns the marker trigrams of a company, or of its customers with a status: see the schema. */
function toMarkers(companyId: string, status: string | undefined): string[] {
  const digits = [companyId.slice(30, 33), companyId.slice(33, 36)];
  const company = String.fromCharCode(...digits.map((three) => 0xe000 + Number.parseInt(three, 16)));
  if (status === undefined) return [`\ue000${company}`];
  return [`${company}${status === "BLOCKED" ? "\uf001" : "\uf000"}`];
}

/** Quotes a string for FTS5's query language. */
function quote(text: string): string {
  return `"${text.replaceAll('"', '""')}"`;
}
