/** Enforces MAX_CUSTOMERS_PER_COMPANY, the limit on the number of customers of a company. */
import type { Database, Statement, Step } from "./database/database.ts";
import { named } from "./database/statement.ts";
import { CompanyFullError } from "./errors.ts";

/** How long a count is reused, provided that it leaves room for more customers than this, or for none. */
const reuse = { milliseconds: 1_000, room: 100 };

/** How many more customers a company may have, as of the last count. */
interface Room {
  left: number;
  /** When the count expires, in terms of performance.now(). */
  until: number;
}

/**
 * Writes steps, the last of which inserts a customer of a company.
 * @returns the index of the step that failed, or undefined
 * @throws {CompanyFullError} when the company has the maximum number of customers
 */
export type InsertCustomer = (companyId: string, steps: readonly Step[]) => Promise<number | undefined>;

/**
 * Creates the function that inserts customers. If there is a limit, it counts the customers of a company in the
 * transaction of the insert, but only once a second while there is plenty of room or none, because SQLite takes 12 ms
 * to count 100,000. So a company can exceed its limit only if other processes create over a hundred of its customers
 * within that second.
 */
export function createCustomerInsert(database: Database, maximum: number | false): InsertCustomer {
  const { knex, prepare, dialect } = database;
  if (maximum === false) {
    return async (companyId, steps) => {
      const result = await database.write(steps, companyId);
      return "failedStep" in result ? result.failedStep : undefined;
    };
  }
  const counted = knex("customers").where("company_id", named("companyId")).select("id").limit(maximum);
  const count = prepare<{ count: number }>(
    knex.from(counted.as("counted")).count({ count: "id" }).havingRaw("count(id) < ?", [maximum]),
  );
  const selectCompany = () => knex("companies").where("id", named("companyId")).select("id");
  // Otherwise PostgreSQL would not count the customers that concurrent transactions insert.
  const countSteps = dialect === "postgres" ? [prepare(selectCompany().forNoKeyUpdate()), count] : [count];
  /** Returns no row, and so fails the write, but after the step that replays an idempotency key. */
  const fail = prepare(selectCompany().whereRaw("1 = 0"));
  const rooms = new Map<string, Room>();

  function chooseChecks(room: Room | undefined): Statement<unknown>[] {
    if (!room || performance.now() >= room.until) return countSteps;
    if (room.left > reuse.room) return [];
    return room.left === 0 ? [fail] : countSteps;
  }

  return async (companyId, steps) => {
    const room = rooms.get(companyId);
    const checks = chooseChecks(room);
    if (room && checks.length === 0) room.left -= 1;
    const before = steps.length - 1;
    const all: readonly Step[] = [
      ...steps.slice(0, before),
      ...checks.map((statement) => ({ statement, values: { companyId } })),
      ...steps.slice(before),
    ];
    const result = await database.write(all, companyId);
    const remember = (left: number) =>
      rooms.set(companyId, { left, until: performance.now() + reuse.milliseconds });
    if ("rows" in result) {
      const [row] = result.rows[all.length - 2] ?? [];
      if (checks === countSteps) remember(maximum - (row as { count: number }).count - 1);
      return undefined;
    }
    if (result.failedStep < before) return result.failedStep;
    if (result.failedStep === all.length - 1) return before;
    if (checks === countSteps) remember(0);
    throw new CompanyFullError("the company has MAX_CUSTOMERS_PER_COMPANY customers");
  };
}
