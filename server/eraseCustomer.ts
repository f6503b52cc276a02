/** Erases the personal data of a customer. */
import { type Field, listColumns, toColumns } from "./database/customers.ts";
import type { Database } from "./database/database.ts";
import { deleteReturning } from "./database/deleteReturning.ts";
import { named, namedColumns } from "./database/statement.ts";
import { CommandError } from "./errors.ts";
import { createOperatorTrail } from "./operatorTrail.ts";

/** The result of an erasure; nothing changes when it is repeated. */
export interface Erasure {
  isChanged: boolean;
  /** How many idempotency keys were deleted. */
  deletedKeys: number;
}

/**
 * Replaces the email with `erased+<id>@erased.invalid`, clears name and notes, blocks the customer, and deletes its
 * idempotency keys with the hashes of their requests, all in one transaction. The keys can then be used again.
 * @throws {CommandError} when the company has no such customer
 */
export async function eraseCustomer(
  database: Database,
  company: { id: string; slug: string },
  customerId: string,
): Promise<Erasure> {
  const { knex, prepare, session, dialect } = database;
  const fields: Field[] = ["email", "name", "notes", "status"];
  const columns = listColumns(fields);
  const queryCustomer = (table: string, idColumn: string) =>
    knex(table).where("company_id", named("companyId")).where(idColumn, named("customerId"));
  const find = prepare(queryCustomer("customers", "id").select("id"));
  const erase = prepare(
    queryCustomer("customers", "id")
      .where((row) => {
        for (const column of columns) row.orWhereRaw("?? is distinct from ?", [column, named(column)]);
      })
      .update({
        ...namedColumns(columns),
        changed_by: "erase",
        updated_at: knex.raw("case when updated_at < ? then ? else updated_at + 1 end", [
          named("now"),
          named("now"),
        ]),
      })
      .returning("id"),
  );
  const deleteKeys = prepare(deleteReturning(knex, queryCustomer("idempotency_keys", "customer_id"), "key"));
  const values = {
    ...toColumns({
      email: `erased+${customerId}@erased.invalid`,
      name: null,
      notes: null,
      status: "BLOCKED",
    }),
    companyId: company.id,
    customerId,
    now: Date.now(),
  };

  return session(async (run) => {
    const execute = (sql: string) => run(prepare(knex.raw(sql)));
    await execute(dialect === "sqlite" ? "begin immediate" : "begin");
    if ((await run(find, values)).length === 0) {
      await execute("rollback");
      throw new CommandError(`${company.slug} has no customer ${customerId}`);
    }
    const isChanged = (await run(erase, values)).length > 0;
    const deletedKeys = (await run(deleteKeys, values)).length;
    if (isChanged || deletedKeys > 0) {
      const entry = createOperatorTrail(database).buildEntry(company.slug, "erase customer", customerId);
      await run(entry.statement, entry.values);
    }
    await execute("commit");
    return { isChanged, deletedKeys };
  });
}
