/**
 * Search: the newest customers of a list are compared one by one, as what is common is among them. For the rest
 * the index of the database finds candidates; where it cannot do so cheaply, they are all read, in order and in
 * slices. Every match is decided by comparing email and name, so an index may find too much.
 */
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Knex } from "knex";
import { UnavailableError } from "../errors.ts";
import { timeoutInMilliseconds } from "./connect.ts";
import type { CustomerRow, ListFilters } from "./customers.ts";
import type { Database } from "./database.ts";
import { createPostgresIndex } from "./postgresSearch.ts";
import { createSlices } from "./slices.ts";
import { createSqliteIndex } from "./sqliteSearch.ts";
import { createTurns } from "./turns.ts";

/** A search; its text is folded. */
export type SearchFilters = ListFilters & { text: string };

/** Where customers are searched for. */
export interface SearchedTable {
  database: Database;
  /** The columns of a CustomerRow, as Knex selects them. */
  columns: readonly string[];
  /** Builds the query of a list, without columns and order. */
  buildList(filters: { cursor: boolean; status: boolean }): Knex.QueryBuilder;
}

/** What comparing the newest customers has told of the list. */
export interface Comparison {
  compared: number;
  matches: number;
  millisecondsPerRow: number;
}

/**
 * Finds the matches of a search by an index, the newest first.
 * @returns undefined where they are to be read in order, in slices
 */
export type FindByIndex = (
  filters: SearchFilters,
  comparison: Comparison,
) => Promise<CustomerRow[] | undefined>;

/** How many customers the first statement compares, and at most any other. */
const firstSlice = 100;
const largestSlice = 2_000;

/**
 * How many searches of one company are in progress at once, and how long its others wait: they would take all
 * connections of the pool, or a slice each between two requests of others.
 */
const fairness = { concurrent: 2, timeoutInMilliseconds: 1_000 };

/** The search of a table. */
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
    for (let size = Math.min(firstSlice, searchWindow); ; ) {
      const startedAt = performance.now();
      if (startedAt > deadline) throw new UnavailableError("search", { cause: new Error("took too long") });
      const slice = await slices.compare({ ...filters, cursor, rows: rows - found.length }, size);
      found.push(...slice.matches);
      if (found.length >= rows || slice.end === undefined) return found;
      cursor = slice.end;
      compared += size;
      // FTS5 gives its matches in order, so that it may be used at once where they are rare; pg_trgm in none.
      const isRare = dialect === "sqlite" && found.length * searchWindow < rows * compared;
      if (!isIndexTried && (isRare || compared >= searchWindow)) {
        isIndexTried = true;
        const rest = { ...filters, cursor, rows: rows - found.length };
        const millisecondsPerRow = (performance.now() - startedAt) / size;
        const indexed = await findByIndex(rest, { compared, matches: found.length, millisecondsPerRow });
        if (indexed) return [...found, ...indexed];
      }
      size = Math.min(size * 8, isIndexTried ? largestSlice : searchWindow - compared);
      // Between two slices other requests have their turn.
      await nextTurn();
    }
  }

  return (filters: SearchFilters): Promise<CustomerRow[]> => inTurn(filters.companyId, () => find(filters));
}
