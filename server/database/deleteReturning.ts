import type { Knex } from "knex";

/** A delete that returns a column of each row: Knex leaves `returning` out of a delete on SQLite. */
export function deleteReturning(knex: Knex, query: Knex.QueryBuilder, column: string): Knex.Raw {
  return knex.raw("? returning ??", [query.delete(), column]);
}
