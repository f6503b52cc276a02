/** The audit trail of the operator's actions on keys, companies and erased customers. Triggers record all other changes. */
import { v7 as uuidv7 } from "uuid";
import type { Database, Step } from "./database/database.ts";
import { named } from "./database/statement.ts";
import { findSystemUser } from "./systemUser.ts";

/** The actions that are recorded. */
export type OperatorAction =
  | "create key"
  | "rotate key"
  | "revoke key"
  | "block company"
  | "unblock company"
  | "erase customer";

/** A recorded action. */
export interface OperatorEntry {
  changedAt: number;
  /** The operating system user who ran the command. */
  changedBy: string;
  action: OperatorAction;
  /** The ID of the key, company or customer. */
  subjectId: string;
}

/** Records and lists the operator's actions. */
export function createOperatorTrail({ knex, prepare, read }: Database) {
  const insert = prepare<{ id: string }>(
    knex("operator_entries")
      .insert({
        id: named("id"),
        changed_at: named("now"),
        changed_by: named("changedBy"),
        action: named("action"),
        subject_id: named("subjectId"),
        company_id: knex("companies").select("id").where("slug", named("slug")),
      })
      .returning("id"),
  );
  const listForCompany = prepare<OperatorEntry>(
    knex("operator_entries")
      .where("company_id", named("companyId"))
      .where("changed_at", ">=", named("since"))
      .select({
        changedAt: "changed_at",
        changedBy: "changed_by",
        action: "action",
        subjectId: "subject_id",
      })
      .orderBy("id"),
  );
  return {
    /** The step that records an action within a company. */
    buildEntry(slug: string, action: OperatorAction, subjectId: string): Step<{ id: string }> {
      const changedBy = findSystemUser();
      return {
        statement: insert,
        values: { id: uuidv7(), slug, action, subjectId, changedBy, now: Date.now() },
      };
    },

    /** Lists the actions within a company since a time, oldest first. */
    list(companyId: string, since: number): Promise<OperatorEntry[]> {
      return read(listForCompany, { companyId, since });
    },
  };
}
