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
import type { Database, Values } from "./database.ts";
import { createPostgresIndex } from "./postgresSearch.ts";
import { buildSlice, readSlice } from "./slices.ts";
import { createSqliteIndex } from "./sqliteSearch.ts";
import { keepStatements } from "./statement.ts";

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

/** The search of a table. */
export function createSearch(table: SearchedTable) {
  const { dialect, read, searchWindow } = table.database;
  const findByIndex = (dialect === "sqlite" ? createSqliteIndex : createPostgresIndex)(table);
  const sliceOf = keepStatements((filters: { cursor: boolean; status: boolean }) =>
    buildSlice(table, table.buildList(filters).select("id"), "id", "id"),
  );

  return async function search(filters: SearchFilters): Promise<CustomerRow[]> {
    const { companyId, rows, status, text } = filters;
    const found: CustomerRow[] = [];
    const deadline = performance.now() + timeoutInMilliseconds;
    let cursor = filters.cursor;
    let isIndexTried = false;
    let compared = 0;
    // FTS5 gives its matches in order, so that it may be used at once; pg_trgm gives them in none.
    const window = dialect === "sqlite" ? Math.min(firstSlice, searchWindow) : searchWindow;
    for (let size = Math.min(firstSlice, window); ; ) {
      const startedAt = performance.now();
      if (startedAt > deadline) throw new UnavailableError("search", { cause: new Error("took too long") });
      const statement = sliceOf({ cursor: cursor !== undefined, status: status !== undefined });
      const values: Values = { companyId, text, size, cursor: cursor ?? null, status: status ?? null };
      const slice = await readSlice(read, statement, values, found);
      if (found.length >= rows) return found.slice(0, rows);
      if (slice.compared < size) return found;
      cursor = slice.last;
      compared += size;
      if (!isIndexTried && compared >= window) {
        isIndexTried = true;
        const rest = { ...filters, cursor, rows: rows - found.length };
        const millisecondsPerRow = (performance.now() - startedAt) / size;
        const indexed = await findByIndex(rest, { compared, matches: found.length, millisecondsPerRow });
        if (indexed) return [...found, ...indexed];
      }
      size = isIndexTried ? Math.min(size * 8, largestSlice) : Math.min(size * 8, window - compared);
      // Between two slices other requests have their turn.
      await nextTurn();
    }
  };
}
