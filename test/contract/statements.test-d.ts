/** The types of statements and of writes. */
import { expectTypeOf, it } from "vitest";
import type { Database, Statement } from "../../server/database/database.ts";

declare const database: Database;
declare const ids: Statement<{ id: string }>;
declare const counts: Statement<{ count: number }>;

it("Statement: the row type of another → does not compile", () => {
  // @ts-expect-error rows of another type
  const wrong: Statement<{ count: number }> = ids;
  // Rows can be used as rows with fewer columns.
  const rows: Statement<unknown> = ids;
  expectTypeOf(wrong).not.toEqualTypeOf(rows);
});

it("Database.read: a statement → its rows", () => {
  expectTypeOf(database.read(ids, {})).resolves.toEqualTypeOf<{ id: string }[]>();
});

it("Database.write: several steps → a tuple with the rows of each", async () => {
  const result = await database.write([
    { statement: ids, values: {} },
    { statement: counts, values: {} },
  ]);
  if ("failedStep" in result) return;
  const [[id], [count]] = result.rows;
  expectTypeOf(id).toEqualTypeOf<{ id: string }>();
  expectTypeOf(count).toEqualTypeOf<{ count: number }>();
  // @ts-expect-error there is no third step
  result.rows[2];
});
