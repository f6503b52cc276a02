/** `distribu audit`: who created and changed which customer of a company, when, and in which fields. */
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type Command, InvalidArgumentError } from "commander";
import { createApiKeys } from "../apiKeys.ts";
import { isCustomerId } from "../customerIds.ts";
import type { Database, Value } from "../database/database.ts";
import { named } from "../database/statement.ts";
import { isoTime } from "../isoTime.ts";
import { companyOption, parseTime } from "./options.ts";
import { findCompany, withDatabase } from "./withDatabase.ts";

/** Defines `distribu audit`. */
export function define(command: Command): void {
  command
    .description(
      "Lists who created and changed the customers of a company, when, and in which fields, the oldest first.",
    )
    .addOption(companyOption())
    .option("--customer <id>", "only the entries of this customer", parseCustomerId)
    .option("--since <time>", "only the entries from this time on, as in 2027-01-01T00:00:00Z", parseTime, 0)
    .option("--json", "print a JSON object per line", false)
    .addHelpText("after", "\nValues are not kept: they are personal data.")
    .action(({ company, customer, since, json }) =>
      withDatabase(async (database) => {
        const filter = { companyId: await findCompany(database, company), customerId: customer, since };
        // Standard output stays open: other code may still write to it.
        await pipeline(Readable.from(listAudit(database, filter, json)), process.stdout, { end: false });
      }),
    );
}

function parseCustomerId(text: string): string {
  if (!isCustomerId(text)) throw new InvalidArgumentError("It is not the id of a customer.");
  return text;
}

/** What stands in the place of a key's id where an import has written. */
export const importer = "import";

/** Entries that are read at once. */
const pageSize = 1_000;

interface EntryRow {
  changed_at: number;
  customer_id: string;
  changed_by: string;
  changed_fields: string | null;
}

/** Which entries are listed. */
export interface AuditFilter {
  companyId: string;
  customerId: string | undefined;
  /** The earliest time, in milliseconds since 1970. */
  since: number;
}

/**
 * The entries that pass a filter, the oldest first, a line each: in columns under a header, or as JSON with
 * `time` (the customer's `updatedAt` from then on), `action`, `customerId`, `key` (null where it was an
 * import) and `fields`.
 */
export async function* listAudit(
  database: Database,
  { companyId, customerId, since }: AuditFilter,
  isJson: boolean,
): AsyncGenerator<string> {
  const { knex, prepare, read } = database;
  const query = knex("audit_entries")
    .where("company_id", named("companyId"))
    .whereRaw("(changed_at, customer_id) > (?, ?)", [named("changedAt"), named("after")])
    .select("changed_at", "customer_id", "changed_by", "changed_fields")
    .orderBy(["changed_at", "customer_id"])
    .limit(pageSize);
  if (customerId !== undefined) query.where("customer_id", named("customerId"));
  const page = prepare<EntryRow>(query);
  const given: Record<string, Value> = { companyId, customerId: customerId ?? null };

  const keys = new Map((await createApiKeys(database).list()).map((key) => [key.id, key]));
  const writerOf = (id: string) => {
    const key = keys.get(id);
    return key ? `${key.prefix} ${key.name}`.trimEnd() : id;
  };
  const width = Math.max(...[importer, ...keys.keys()].map((id) => writerOf(id).length));
  const columnsOf = (time: string, action: string, customer: string, by: string, fields: string) =>
    `${time.padEnd(24)}  ${action}  ${customer.padEnd(36)}  ${by.padEnd(width)}  ${fields}\n`;

  if (!isJson) yield columnsOf("TIME", "ACTION", "CUSTOMER", "BY", "FIELDS");
  for (let [changedAt, after] = [since, "00000000-0000-0000-0000-000000000000"]; ; ) {
    const rows = await read(page, { ...given, changedAt, after });
    for (const { changed_at, customer_id, changed_by, changed_fields } of rows) {
      const time = isoTime(changed_at);
      const action = changed_fields === null ? "create" : "update";
      if (!isJson) yield columnsOf(time, action, customer_id, writerOf(changed_by), changed_fields ?? "-");
      else {
        const key = keys.get(changed_by);
        const fields = changed_fields?.split(",") ?? [];
        const by = key ? { id: key.id, prefix: key.prefix, name: key.name } : null;
        yield `${JSON.stringify({ time, action, customerId: customer_id, key: by, fields })}\n`;
      }
    }
    const last = rows.at(-1);
    if (!last || rows.length < pageSize) return;
    [changedAt, after] = [last.changed_at, last.customer_id];
  }
}
