/** The type of a migration. */
import type { Knex } from "knex";
import type { Dialect } from "./database.ts";

/** A migration of the schema. */
export interface Migration {
  /**
   * Identifies the contents of its file. A database records it, and is rejected if it differs. It changes with every
   * edit until the first release; after that, migrations are never edited.
   */
  revision: string;
  /** Builds its statements in a dialect. */
  up(schema: Knex.SchemaBuilder, dialect: Dialect): Knex.SchemaBuilder;
}
