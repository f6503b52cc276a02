/** The type of a migration. */
import type { Knex } from "knex";
import type { Dialect } from "./database.ts";

/** One step of the schema. */
export interface Migration {
  /**
   * Names the state of its file: a database records it, and is rejected where it differs. It changes with every
   * edit, which ends with the first release; from then on no migration is edited.
   */
  revision: string;
  /** Builds its statements in the dialect at hand. */
  up(schema: Knex.SchemaBuilder, dialect: Dialect): Knex.SchemaBuilder;
}
