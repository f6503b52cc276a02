/** Estimates which parts of a search term are rare: those leave few candidates, and each lookup has a cost. */
import type { SearchedTable } from "./search.ts";
import { named } from "./statement.ts";

/** How many of a company's newest customers are sampled. */
const sampleSize = 100;

/** A part of a term, and how many of the sampled customers contain it. */
export interface CountedPart {
  part: string;
  count: number;
}

/** Returns a function that sorts the parts of a term, rarest first, according to a sample of a company's customers. */
export function createRarity({ database }: SearchedTable) {
  const { knex, prepare, read } = database;
  const sample = prepare<{ email: string; name: string | null }>(
    knex("customers")
      .where("company_id", named("companyId"))
      .select("email", "folded_name as name")
      .orderByRaw("id desc limit ?", [sampleSize]),
  );
  return async function sortByRarity(companyId: string, parts: readonly string[]): Promise<CountedPart[]> {
    const texts = await read(sample, { companyId });
    const countTexts = (part: string) =>
      texts.filter(({ email, name }) => email.includes(part) || name?.includes(part)).length;
    return parts
      .map((part) => ({ part, count: countTexts(part) }))
      .sort((one, other) => one.count - other.count);
  };
}
