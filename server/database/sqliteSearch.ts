/** SQLite: searches customers with FTS5's trigram index. */
import { setImmediate as nextTurn } from "node:timers/promises";
import { toPosition } from "../customerIds.ts";
import { UnavailableError } from "../errors.ts";
import { timeoutInMilliseconds } from "./connect.ts";
import type { CustomerRow } from "./customers.ts";
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

/**
 * The company's marker is only looked up once less than this share of a slice's candidates are in the list. FTS5 would
 * look it up for each candidate, newest first, which takes longer than skipping a few candidates of other companies.
 */
const listedShare = 0.25;

/** A match, with the numbers of candidates and of those in the list, and the position of the last one. */
type Candidate = CustomerRow & { compared: number; listed: number; last: string };

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
  /** Compares the next candidates of the index. If none matches, returns one row without a customer, whose ID is null. */
  const getCandidates = keepStatements((hasStatus: boolean) => {
    const candidates = knex("customers_search")
      .select({ position: "rowid" })
      .whereRaw("customers_search match ?", [named("match")])
      .where("rowid", "<", named("before"))
      .orderByRaw("rowid desc limit ?", [named("size")]);
    const listed = knex("candidates")
      // SQLite keeps the order of a cross join: first the candidates, then the customer of each.
      .joinRaw("cross join customers using (position)")
      .where("company_id", named("companyId"))
      .select("position", { isMatch: contains(table.database) });
    if (hasStatus) listed.where("status", named("status"));
    return prepare<Candidate>(
      knex
        .withMaterialized("candidates", candidates)
        .withMaterialized("listed", listed)
        .select(table.columns)
        .select({ compared: knex("candidates").count("*"), listed: knex("listed").count("*") })
        // As text, because it may be greater than the greatest safe integer.
        .select({ last: knex("candidates").select(knex.raw("cast(min(position) as text)")) })
        .fromRaw("(select 1)")
        .joinRaw("left join customers on position in (select position from listed where isMatch)")
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
      const sorted = await sortByRarity(companyId, trigrams);
      // FTS5 would flatten an AND of ANDs, and advance every list for each candidate of the first. An OR with a term
      // that no folded text contains keeps each pair together, which takes a third to two thirds of the time.
      return sorted
        .slice(0, maxTrigrams)
        .map(({ part }) => quote(part))
        .reduce((pair, next) => `((${pair} AND ${next}) OR "AAA")`);
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
    const statement = getCandidates(status !== undefined);
    const deadline = performance.now() + timeoutInMilliseconds;
    let before = toPosition(cursor);
    let marked = match;
    for (let size = firstSlice; ; size = Math.min(size * 2, largestSlice)) {
      if (performance.now() > deadline) throw new UnavailableError("the search took too long");
      const candidates = await read(statement, { ...list, match: marked, before, text, size });
      for (const { compared, listed, last, ...row } of candidates) if (row.id !== null) found.push(row);
      const [{ compared, listed, last }] = candidates as [Candidate];
      if (found.length >= rows || compared < size) return found.slice(0, rows);
      if (listed < listedShare * compared)
        marked = [match, ...toMarkers(companyId, status).map(quote)].join(" AND ");
      before = BigInt(last);
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
