/** Administration of companies. Every change is recorded in the audit trail. */
import { v7 as uuidv7 } from "uuid";
import type { Database, Step } from "./database/database.ts";
import { named } from "./database/statement.ts";
import { CommandError } from "./errors.ts";
import { createOperatorTrail } from "./operatorTrail.ts";

/** A company. Times are milliseconds since 1970. */
export interface Company {
  id: string;
  slug: string;
  createdAt: number;
  /** When its access was blocked, or null. */
  blockedAt: number | null;
  /** The number of its keys, of any status. */
  keys: number;
}

/** Creates, lists, blocks and unblocks companies. */
export function createCompanies(database: Database) {
  const { knex, prepare, read, write } = database;
  const trail = createOperatorTrail(database);

  const insertNew = () =>
    knex("companies").insert({ id: named("id"), slug: named("slug"), created_at: named("now") });
  const insert = prepare<{ id: string }>(insertNew().onConflict().ignore().returning("id"));
  const ensure = prepare<{ id: string }>(
    insertNew()
      .onConflict(knex.raw("(lower(slug))"))
      .merge(["slug"])
      .whereRaw("companies.slug = excluded.slug")
      .returning("id"),
  );
  const listAll = prepare<Company>(
    knex("companies")
      .leftJoin("api_keys", "api_keys.company_id", "companies.id")
      .groupBy("companies.id")
      .select({
        id: "companies.id",
        slug: "slug",
        createdAt: "companies.created_at",
        blockedAt: "blocked_at",
        keys: knex.raw("count(api_keys.id)"),
      })
      .orderBy("slug"),
  );
  const block = prepare<{ id: string }>(
    knex("companies")
      .update("blocked_at", named("now"))
      .where("id", named("id"))
      .whereNull("blocked_at")
      .returning("id"),
  );
  const unblock = prepare<{ id: string }>(
    knex("companies")
      .update("blocked_at", null)
      .where("id", named("id"))
      .whereNotNull("blocked_at")
      .returning("id"),
  );
  const values = (slug: string) => ({ id: uuidv7(), slug, now: Date.now() });

  return {
    /** The step that creates a company; it returns no row if the company exists. */
    buildInsert(slug: string): Step<{ id: string }> {
      return { statement: insert, values: values(slug) };
    },

    /**
     * The step that creates a company unless it exists. It returns no row if another company's slug differs only in
     * case.
     */
    buildUpsert(slug: string): Step<{ id: string }> {
      return { statement: ensure, values: values(slug) };
    },

    /** @throws {CommandError} when another company's slug differs from this one only in case */
    async requireDistinct(slug: string): Promise<void> {
      const similar = (await read(listAll, {})).find(
        (company) => company.slug !== slug && company.slug.toLowerCase() === slug.toLowerCase(),
      );
      if (similar)
        throw new CommandError(
          `There is already a company ${similar.slug}; slugs must differ in more than their case`,
        );
    },

    /** All companies, by slug. */
    list: (): Promise<Company[]> => read(listAll, {}),

    /**
     * Blocks or unblocks a company: none of its keys work while it is blocked. Repeating it changes nothing.
     * @returns whether anything changed
     */
    async setBlocked({ id, slug }: Pick<Company, "id" | "slug">, isBlocked: boolean): Promise<boolean> {
      const result = await write([
        isBlocked
          ? { statement: block, values: { id, now: Date.now() } }
          : { statement: unblock, values: { id } },
        trail.buildEntry(slug, isBlocked ? "block company" : "unblock company", id),
      ]);
      return "rows" in result;
    },
  };
}
