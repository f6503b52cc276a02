/** `distribu audit`: who changed what in a company, and when, in its customers, its keys and its access. */
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type Command, Option } from "commander";
import type { Database, Value } from "../database/database.ts";
import { named } from "../database/statement.ts";
import { formatIsoTime } from "../formatIsoTime.ts";
import { createKeyAdministration } from "../keyAdministration.ts";
import { createOperatorTrail, type OperatorEntry } from "../operatorTrail.ts";
import { pruneAuditTrail } from "../pruneAuditTrail.ts";
import { ignoreClosedPipe } from "./closedPipe.ts";
import { parseCustomerId, parseText, parseTime } from "./options.ts";
import { UsageError } from "./usageError.ts";
import { findCompany, withDatabase } from "./withDatabase.ts";

/** Defines `distribu audit`. */
export function define(command: Command): void {
  command
    .description(
      "Lists the audit trail of a company, oldest first: who created, changed or erased its customers, when, and in which fields; who created, rotated or revoked its keys; and who blocked or unblocked it.",
    )
    .option("--company <slug>", "slug of the company (required)", parseText)
    .option("--customer <id>", "only entries of this customer", parseCustomerId)
    .addOption(
      new Option("--since <time>", "only entries from this time on, such as 2027-01-01T00:00:00Z")
        .argParser(parseTime)
        .default(0, "all entries"),
    )
    .option("--json", "print a JSON object per line", false)
    .addHelpText("after", "\nField values are not stored, because they are personal data.")
    .action(({ company, customer, since, json }) => {
      if (company === undefined) throw new UsageError("required option '--company <slug>' not specified");
      return withDatabase(async (database) => {
        const filter = { companyId: await findCompany(database, company), customerId: customer, since };
        // Standard output stays open: other code may still write to it.
        await pipeline(Readable.from(listAudit(database, filter, json)), process.stdout, {
          end: false,
        }).catch(ignoreClosedPipe);
      });
    });

  command
    .command("prune")
    .description(
      "Deletes the entries of all companies before a time, in small transactions, so servers can keep running.",
    )
    .requiredOption("--before <time>", "a time such as 2027-01-01 or 2027-01-01T00:00:00Z", parseTime)
    .action(({ before }: { before: number }) =>
      withDatabase(async (database) => {
        console.error(
          `Deleted ${await pruneAuditTrail(database, before)} entries before ${formatIsoTime(before)}.`,
        );
      }),
    );
}

/** Formats the author that the audit trail records for an import; for a request, it is the ID of its key. */
export function formatImporter(name: string): string {
  return `import by ${name}`;
}

/** How many entries are read at a time. */
const pageSize = 1_000;

interface EntryRow {
  changed_at: number;
  customer_id: string;
  changed_by: string;
  changed_fields: string | null;
}

/** A change of a customer, or an action of an operator. */
interface Entry {
  changedAt: number;
  action: string;
  subjectId: string;
  changedBy: string;
  fields: string[];
}

/** Selects the entries to list. */
export interface AuditFilter {
  companyId: string;
  customerId: string | undefined;
  /** The earliest time, in milliseconds since 1970. */
  since: number;
}

/**
 * Lists the entries that match a filter, oldest first, one per line: in columns under a header, or as JSON with `time`
 * (the customer's `updatedAt` after the change), `action`, `customerId` or `subjectId`, `key` (null if the change was
 * not made with a key), `by` and `fields`.
 */
export async function* listAudit(
  database: Database,
  filter: AuditFilter,
  isJson: boolean,
): AsyncGenerator<string> {
  const keys = new Map((await createKeyAdministration(database).list()).map((key) => [key.id, key]));
  const nameAuthor = (id: string) => {
    const key = keys.get(id);
    return key ? `${key.prefix} ${key.name}`.trimEnd() : id;
  };
  const width = Math.max(...[formatImporter("operator"), ...keys.keys()].map((id) => nameAuthor(id).length));
  const formatColumns = (time: string, action: string, subject: string, by: string, fields: string) =>
    `${time.padEnd(24)}  ${action.padEnd(15)}  ${subject.padEnd(36)}  ${by.padEnd(width)}  ${fields}\n`;

  if (!isJson) yield formatColumns("TIME", "ACTION", "SUBJECT", "BY", "FIELDS");
  for await (const { changedAt, action, subjectId, changedBy, fields } of mergeEntries(database, filter)) {
    const time = formatIsoTime(changedAt);
    if (!isJson) {
      yield formatColumns(time, action, subjectId, nameAuthor(changedBy), fields.join(",") || "-");
      continue;
    }
    const isCustomer = !/ (key|company)$/.test(action);
    const key = keys.get(changedBy);
    const entry = {
      time,
      action,
      [isCustomer ? "customerId" : "subjectId"]: subjectId,
      key: key ? { id: key.id, prefix: key.prefix, name: key.name } : null,
      ...(!key && { by: changedBy }),
      fields,
    };
    yield `${JSON.stringify(entry)}\n`;
  }
}

/** Merges both kinds of entries, oldest first. There are few operator entries. */
async function* mergeEntries(database: Database, filter: AuditFilter): AsyncGenerator<Entry> {
  const { companyId, customerId, since } = filter;
  const actions = (await createOperatorTrail(database).list(companyId, since))
    .filter(({ subjectId }) => customerId === undefined || subjectId === customerId)
    .map((entry: OperatorEntry): Entry => ({ ...entry, fields: [] }));
  for await (const change of listChanges(database, filter)) {
    while (actions[0] && actions[0].changedAt < change.changedAt) yield actions.shift() as Entry;
    yield change;
  }
  yield* actions;
}

/** Lists the changes of customers, oldest first. */
async function* listChanges(
  { knex, prepare, read }: Database,
  { companyId, customerId, since }: AuditFilter,
): AsyncGenerator<Entry> {
  const query = knex("audit_entries")
    .where("company_id", named("companyId"))
    .whereRaw("(changed_at, customer_id) > (?, ?)", [named("changedAt"), named("after")])
    .select("changed_at", "customer_id", "changed_by", "changed_fields")
    .orderBy(["changed_at", "customer_id"])
    .limit(pageSize);
  if (customerId !== undefined) query.where("customer_id", named("customerId"));
  const page = prepare<EntryRow>(query);
  const given: Record<string, Value> = { companyId, customerId: customerId ?? null };
  for (let [changedAt, after] = [since, "00000000-0000-0000-0000-000000000000"]; ; ) {
    const rows = await read(page, { ...given, changedAt, after });
    for (const row of rows)
      yield {
        changedAt: row.changed_at,
        action: row.changed_fields === null ? "create" : "update",
        subjectId: row.customer_id,
        changedBy: row.changed_by,
        fields: row.changed_fields?.split(",") ?? [],
      };
    const last = rows.at(-1);
    if (!last || rows.length < pageSize) return;
    [changedAt, after] = [last.changed_at, last.customer_id];
  }
}
