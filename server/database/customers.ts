/** The table of the customers: the one list of its columns, and the statements on it. */
import type { Knex } from "knex";
import { createdAt, positionOf } from "../customerIds.ts";
import { isoTime } from "../isoTime.ts";
import type { Customer } from "../operations.ts";
import type { Database, Dialect, Step, Value, Values } from "./database.ts";
import { foldText } from "./foldText.ts";
import { createSearch } from "./search.ts";
import { contains } from "./slices.ts";
import { keepStatements, named, namedColumns } from "./statement.ts";

/**
 * The column of each field, in the order of the contract. The id is a column too, its time is `createdAt`, and
 * `updatedAt` is the row's version.
 */
export const columnOfField = {
  email: "email",
  name: "name",
  status: "status",
  notes: "notes",
  creditLimit: "credit_limit",
  taxRateOverride: "tax_rate_override",
  emailVerified: "email_verified",
} as const satisfies Record<Exclude<keyof Customer, "id" | "createdAt" | "updatedAt">, string>;

/** A field that has a column of its own. */
export type Field = keyof typeof columnOfField;

/** The values of some fields. */
export type Fields = Partial<Pick<Customer, Field>>;

/** A customer as it is stored; its time of creation is that of its id. */
export interface CustomerRow extends Pick<Customer, "id" | Exclude<Field, "emailVerified">> {
  /** SQLite has numbers for booleans. */
  emailVerified: boolean | number;
  /** The time of the last change, in milliseconds since 1970. Every change moves it. */
  version: number;
}

/** What is read of a row, as Knex selects it. */
export const selectedColumns = [
  "id",
  ...Object.entries(columnOfField).map(([field, column]) => `${column} as ${field}`),
  "updated_at as version",
];

/** The columns that hold these fields, with those that are derived from them. */
export function columnsOf(fields: readonly Field[]): string[] {
  return fields.flatMap((field) => (field === "name" ? ["name", "folded_name"] : [columnOfField[field]]));
}

/** The values of the columns that hold these fields, with those that are derived from them. */
export function toColumns(fields: Fields): Record<string, Value> {
  const values: Record<string, Value> = {};
  for (const [field, value] of Object.entries(fields) as [Field, Fields[Field]][]) {
    if (value === undefined) continue;
    values[columnOfField[field]] = typeof value === "boolean" ? Number(value) : value;
    if (field === "name") values.folded_name = typeof value === "string" ? foldText(value) : null;
  }
  return values;
}

/** The columns that identify a customer: its id and, on SQLite, its place in the order of the ids. */
export const idColumns = { sqlite: ["id", "position"], postgres: ["id"] };

/** The values of these columns. */
export function idValues(dialect: Dialect, id: string): Record<string, Value> {
  return dialect === "sqlite" ? { id, position: positionOf(id) } : { id };
}

/** The names of all columns that an insert sets, `company_id` first. */
export function insertedColumns(dialect: Dialect): string[] {
  const fields = Object.keys(columnOfField) as Field[];
  return [...["company_id", ...idColumns[dialect]], ...columnsOf(fields), ...["updated_at", "changed_by"]];
}

/** The values of these columns. */
export function insertedValues(
  dialect: Dialect,
  companyId: string,
  { id, version, emailVerified, ...fields }: CustomerRow,
  changedBy: string | null,
): Record<string, Value> {
  return {
    company_id: companyId,
    ...idValues(dialect, id),
    ...toColumns({ ...fields, emailVerified: Boolean(emailVerified) }),
    updated_at: version,
    changed_by: changedBy,
  };
}

/** A customer as partners see it. */
export function toCustomer({ version, ...fields }: CustomerRow): Customer {
  return {
    ...fields,
    emailVerified: Boolean(fields.emailVerified),
    createdAt: isoTime(createdAt(fields.id)),
    updatedAt: isoTime(version),
  };
}

/** The filters of a list; those that are undefined are not given. */
export interface ListFilters {
  companyId: string;
  /** The most rows that are returned. */
  rows: number;
  /** The id after which the list goes on. */
  cursor?: string | undefined;
  status?: Customer["status"] | undefined;
  email?: string | undefined;
  /** Folded text that the email or the name contains. */
  text?: string | undefined;
}

/** The customers of a database. No statement is without its company. */
export function createCustomerTable(database: Database) {
  const { knex, prepare, read, dialect } = database;
  const customersOfCompany = () => knex("customers").where("company_id", named("companyId"));

  const selectById = prepare<CustomerRow>(
    customersOfCompany().where("id", named("id")).select(selectedColumns),
  );
  const selectByEmail = prepare<{ id: string }>(
    customersOfCompany().where("email", named("email")).select("id"),
  );
  const insert = prepare<{ id: string }>(
    knex("customers")
      .insert(namedColumns(insertedColumns(dialect)))
      .onConflict()
      .ignore()
      .returning("id"),
  );

  /** The update's statement for a set of columns. It leaves `updated_at` where no value differs. */
  const updateOf = keepStatements((changed: string[]) => {
    const differs = changed.map((column) => knex.raw("?? is distinct from ?", [column, named(column)]));
    const version = knex.raw(
      `case when ${differs.map(() => "?").join(" or ")} then case when updated_at < ? then ? else updated_at + 1 end else updated_at end`,
      [...differs, named("now"), named("now")],
    );
    return prepare<CustomerRow>(
      customersOfCompany()
        .where("id", named("id"))
        .whereRaw("updated_at = coalesce(?, updated_at)", [named("version")])
        .update({
          ...namedColumns(changed),
          // A trigger writes the entry of the audit trail where a value differs.
          changed_by: named("changedBy"),
          updated_at: changed.length > 0 ? version : knex.ref("updated_at"),
        })
        .returning(selectedColumns),
    );
  });

  /** The list's query for a combination of filters, without columns and order. */
  function buildList(filters: { cursor: boolean; status: boolean; email?: boolean }): Knex.QueryBuilder {
    const query = customersOfCompany();
    if (filters.cursor) query.where("id", "<", named("cursor"));
    if (filters.status) query.where("status", named("status"));
    if (filters.email) query.where("email", named("email"));
    return query;
  }
  const listOf = keepStatements(
    ({ text, ...filters }: Parameters<typeof buildList>[0] & { text: boolean }) => {
      const query = buildList(filters).select(selectedColumns);
      if (text) query.where(contains(database));
      // An email has at most one row. Knex takes only a number for a limit, so it stands in the order.
      return prepare<CustomerRow>(
        filters.email ? query : query.orderByRaw("id desc limit ?", [named("rows")]),
      );
    },
  );
  const search = createSearch({ database, columns: selectedColumns, buildList });

  return {
    /** The customer of this id, or undefined. */
    async get(companyId: string, id: string): Promise<CustomerRow | undefined> {
      const [row] = await read(selectById, { companyId, id });
      return row;
    },

    async isEmailTaken(companyId: string, email: string): Promise<boolean> {
      return (await read(selectByEmail, { companyId, email })).length > 0;
    },

    /** The step that inserts a customer; it returns no row where its id or its email is taken. */
    insertion(companyId: string, row: CustomerRow, changedBy: string | null) {
      return { statement: insert, values: insertedValues(dialect, companyId, row, changedBy) };
    },

    /**
     * The step that updates these fields, and the version only where one of them differs. It returns no row where
     * there is no such customer, or its version is not the one that is given.
     */
    update(
      key: { companyId: string; id: string; version: number | null; changedBy: string },
      fields: Fields,
    ): Step<CustomerRow> {
      const columns = toColumns(fields);
      return {
        statement: updateOf(Object.keys(columns)),
        values: { ...columns, ...key, now: Date.now() },
      };
    },

    /** The newest customers of a list. */
    async list({ companyId, rows, cursor, status, email, text }: ListFilters): Promise<CustomerRow[]> {
      if (text !== undefined && email === undefined) return search({ companyId, rows, cursor, status, text });
      const values: Values = {
        ...{ companyId, rows, cursor: cursor ?? null, status: status ?? null },
        ...{ email: email ?? null, text: text ?? null },
      };
      const filters = {
        ...{ cursor: cursor !== undefined, status: status !== undefined },
        ...{ email: email !== undefined, text: text !== undefined },
      };
      return read(listOf(filters), values);
    },
  };
}
