import type { Knex } from "knex";

/** Builds a delete that returns a column of each row, because Knex omits `returning` from deletes on SQLite. */
export function deleteReturning(knex: Knex, query: Knex.QueryBuilder, column: string): Knex.Raw {
  return knex.raw("? returning ??", [query.delete(), column]);
}
