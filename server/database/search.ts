/**
 * Search: compares the newest customers of a list one by one, because common terms have matches among them. For the
 * rest, the database's index finds candidates; if it cannot do so cheaply, each customer is compared, on SQLite in
 * slices. Email and name are always compared, so an index may return too many candidates.
 */
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Knex } from "knex";
import { UnavailableError } from "../errors.ts";
import { timeoutInMilliseconds } from "./connect.ts";
import type { CustomerRow, ListFilters, ListForm } from "./customers.ts";
import type { Database } from "./database.ts";
import { createPostgresIndex } from "./postgresSearch.ts";
import { createSlices } from "./slices.ts";
import { createSqliteIndex } from "./sqliteSearch.ts";
import { createTurns } from "./turns.ts";

/** The filters of a search, with folded text. */
export type SearchFilters = ListFilters & { text: string };

/** The table that is searched. */
export interface SearchedTable {
  database: Database;
  /** The columns of a CustomerRow, as Knex selects them. */
  columns: readonly string[];
  /** Builds the query of a list, without columns and order. */
  buildList(form: ListForm): Knex.QueryBuilder;
}

/** Statistics from comparing the newest customers of the list. */
export interface Comparison {
  compared: number;
  matches: number;
  millisecondsPerRow: number;
}

/**
 * Finds the matches of a search with an index, newest first.
 * @returns undefined if customers should be read in order, in slices, instead
 */
export type FindByIndex = (
  filters: SearchFilters & { cursor: string },
  comparison: Comparison,
) => Promise<CustomerRow[] | undefined>;

/** SQLite: how many customers the first slice has, and the maximum for the others. */
const firstSlice = 100;
const largestSlice = 2_000;

/**
 * How many searches of a company run concurrently, and how long its other searches wait. Otherwise they could use all
 * connections of the pool or, on SQLite, run one slice each between two requests of other companies.
 */
const fairness = { concurrent: 2, timeoutInMilliseconds: 1_000 };

/** Creates the search of a table. */
export function createSearch(table: SearchedTable) {
  const { dialect, searchWindow } = table.database;
  const slices = createSlices(table);
  const findByIndex = dialect === "sqlite" ? createSqliteIndex(table, slices) : createPostgresIndex(table);

  const inTurn = createTurns(fairness);

  async function find(filters: SearchFilters): Promise<CustomerRow[]> {
    const { rows } = filters;
    const found: CustomerRow[] = [];
    const deadline = performance.now() + timeoutInMilliseconds;
    let { cursor } = filters;
    let isIndexTried = false;
    let compared = 0;
    // On PostgreSQL, the newest customers are one slice: each statement is a round trip, and reading stops when there are
    // enough matches.
    for (let size = dialect === "sqlite" ? Math.min(firstSlice, searchWindow) : searchWindow; ; ) {
      const startedAt = performance.now();
      if (startedAt > deadline) throw new UnavailableError("the search took too long");
      const slice = await slices.compare({ ...filters, cursor, rows: rows - found.length }, size);
      found.push(...slice.matches);
      if (found.length >= rows || slice.end === undefined) return found;
      cursor = slice.end;
      compared += size;
      // FTS5 returns matches in order, so for rare terms it can be used at once; pg_trgm returns them unordered.
      const isRare = dialect === "sqlite" && found.length * searchWindow < rows * compared;
      if (!isIndexTried && (isRare || compared >= searchWindow)) {
        isIndexTried = true;
        const rest = { ...filters, cursor, rows: rows - found.length };
        const millisecondsPerRow = (performance.now() - startedAt) / size;
        const indexed = await findByIndex(rest, { compared, matches: found.length, millisecondsPerRow });
        if (indexed) return [...found, ...indexed];
      }
      size = Math.min(size * 20, isIndexTried ? largestSlice : searchWindow - compared);
      // Other requests run between two slices.
      await nextTurn();
    }
  }

  return (filters: SearchFilters): Promise<CustomerRow[]> => inTurn(filters.companyId, () => find(filters));
}
