/** The customers table: the only list of its columns, and its statements. */
import type { Knex } from "knex";
import { parseCreatedAt, toPosition } from "../customerIds.ts";
import { formatIsoTime } from "../formatIsoTime.ts";
import type { Customer } from "../operations.ts";
import type { Database, Dialect, Statement, Value, Values } from "./database.ts";
import { foldText } from "./foldText.ts";
import { createSearch } from "./search.ts";
import { contains } from "./slices.ts";
import { bindValues, keepStatements, named, namedColumns } from "./statement.ts";

/**
 * The column of each field, in the order of the contract. The other fields are `id`, `createdAt`, which is the time in
 * the ID, and `updatedAt`, which is the version of the row.
 */
export const fieldColumns = {
  email: "email",
  name: "name",
  status: "status",
  notes: "notes",
  creditLimit: "credit_limit",
  taxRateOverride: "tax_rate_override",
  emailVerified: "email_verified",
} as const satisfies Record<Exclude<keyof Customer, "id" | "createdAt" | "updatedAt">, string>;

/** A field with a column of its own. */
export type Field = keyof typeof fieldColumns;

/** The values of some fields. */
export type Fields = Partial<Pick<Customer, Field>>;

/** A customer as stored; its time of creation is in its ID. */
export interface CustomerRow extends Pick<Customer, "id" | Exclude<Field, "emailVerified">> {
  /** SQLite stores booleans as numbers. */
  emailVerified: boolean | number;
  /** The time of the last change, in milliseconds since 1970. Every change increases it. */
  version: number;
}

/** The columns of a CustomerRow, as Knex selects them. */
export const selectedColumns = [
  "id",
  ...Object.entries(fieldColumns).map(([field, column]) => `${column} as ${field}`),
  "updated_at as version",
];

/** Lists the columns for these fields, including derived columns. */
export function listColumns(fields: readonly Field[]): string[] {
  return fields.flatMap((field) => (field === "name" ? ["name", "folded_name"] : [fieldColumns[field]]));
}

/** Returns the values of the columns for these fields, including derived columns. */
export function toColumns(fields: Fields): Record<string, Value> {
  const values: Record<string, Value> = {};
  for (const [field, value] of Object.entries(fields) as [Field, Fields[Field]][]) {
    if (value === undefined) continue;
    values[fieldColumns[field]] = typeof value === "boolean" ? Number(value) : value;
    if (field === "name") values.folded_name = typeof value === "string" ? foldText(value) : null;
  }
  return values;
}

/** The columns that identify a customer: its ID and, on SQLite, its position in the order of IDs. */
export const idColumns = { sqlite: ["id", "position"], postgres: ["id"] };

/** Returns the values of the columns that identify a customer. */
export function toIdValues(dialect: Dialect, id: string): Record<string, Value> {
  return dialect === "sqlite" ? { id, position: toPosition(id) } : { id };
}

/** Lists the columns that an insert sets, `company_id` first. */
export function listInsertColumns(dialect: Dialect): string[] {
  const fields = Object.keys(fieldColumns) as Field[];
  return [...["company_id", ...idColumns[dialect]], ...listColumns(fields), ...["updated_at", "changed_by"]];
}

/** Returns the values of the columns that an insert sets. */
export function toInsertValues(
  dialect: Dialect,
  companyId: string,
  { id, version, emailVerified, ...fields }: CustomerRow,
  changedBy: string | null,
): Record<string, Value> {
  return {
    company_id: companyId,
    ...toIdValues(dialect, id),
    ...toColumns({ ...fields, emailVerified: Boolean(emailVerified) }),
    updated_at: version,
    changed_by: changedBy,
  };
}

/** Converts a row to the customer that partners see. */
export function toCustomer({ version, ...fields }: CustomerRow): Customer {
  return {
    ...fields,
    emailVerified: Boolean(fields.emailVerified),
    createdAt: formatIsoTime(parseCreatedAt(fields.id)),
    updatedAt: formatIsoTime(version),
  };
}

/** The filters of a list; undefined ones do not apply. */
export interface ListFilters {
  companyId: string;
  /** The maximum number of rows to return. */
  rows: number;
  /** The ID after which the list continues. */
  cursor?: string | undefined;
  status?: Customer["status"] | undefined;
  email?: string | undefined;
  /** Folded text that the email or the name contains. */
  text?: string | undefined;
}

/** The conditions of a list query. */
export interface ListForm {
  cursor: boolean;
  status: boolean;
  email?: boolean;
  /** PostgreSQL: whether the customers of other companies are only excluded once they are read. */
  isCompanyIgnoredByIndex?: boolean;
}

/** Creates the statements on the customers of a database. Every statement filters by company. */
export function createCustomerTable(database: Database) {
  const { knex, prepare, read, dialect } = database;
  const customersOfCompany = () => knex("customers").where("company_id", named("companyId"));

  const selectById = prepare<CustomerRow>(
    customersOfCompany().where("id", named("id")).select(selectedColumns),
  );
  const selectByEmail = prepare<{ id: string }>(
    customersOfCompany().where("email", named("email")).select("id"),
  );
  const insertColumns = namedColumns(listInsertColumns(dialect));
  const getInsert = keepStatements((rows: number) =>
    prepare<{ id: string }>(
      knex("customers")
        .insert(Array.from({ length: rows }, () => insertColumns))
        .onConflict()
        .ignore()
        .returning("id"),
    ),
  );
  const insert: Statement<{ id: string }> = {
    ...getInsert(1),
    combine(rows) {
      // In the same order in every process, so that statements with the same emails do not wait for each other.
      const inOrder = [...rows].sort((a, b) => (String(a.email) < String(b.email) ? -1 : 1));
      return {
        statement: getInsert(rows.length),
        values: inOrder.flatMap((values) => bindValues(insert, values)),
      };
    },
  };

  /** Builds the query of a list for a combination of filters, without columns and order. */
  function buildList(filters: ListForm): Knex.QueryBuilder {
    // PostgreSQL does not use an index for "is not distinct from".
    const query = filters.isCompanyIgnoredByIndex
      ? knex("customers").whereRaw("company_id is not distinct from ?", [named("companyId")])
      : customersOfCompany();
    if (filters.cursor) query.where("id", "<", named("cursor"));
    // The hint makes SQLite use the index of the status, even for a slice, where `id` has a lower and an upper bound.
    if (filters.status)
      query.whereRaw(dialect === "sqlite" ? "unlikely(status = ?)" : "status = ?", [named("status")]);
    if (filters.email) query.where("email", named("email"));
    return query;
  }
  const getList = keepStatements(({ text, ...filters }: ListForm & { text: boolean }) => {
    const query = buildList(filters).select(selectedColumns);
    if (text) query.where(contains(database));
    // An email matches at most one row. Knex's limit() accepts only numbers, so the placeholder is in the `order by`.
    return prepare<CustomerRow>(filters.email ? query : query.orderByRaw("id desc limit ?", [named("rows")]));
  });
  const search = createSearch({ database, columns: selectedColumns, buildList });

  return {
    /** Returns the customer with this ID, or undefined. */
    async get(companyId: string, id: string): Promise<CustomerRow | undefined> {
      const [row] = await read(selectById, { companyId, id });
      return row;
    },

    async isEmailTaken(companyId: string, email: string): Promise<boolean> {
      return (await read(selectByEmail, { companyId, email })).length > 0;
    },

    /** The step that inserts a customer; it returns no row if its ID or email is taken. */
    buildInsert(companyId: string, row: CustomerRow, changedBy: string | null) {
      return { statement: insert, values: toInsertValues(dialect, companyId, row, changedBy) };
    },

    /** Returns a page of a list, newest first. */
    async list({ companyId, rows, cursor, status, email, text }: ListFilters): Promise<CustomerRow[]> {
      if (text !== undefined && email === undefined) return search({ companyId, rows, cursor, status, text });
      const values: Values = {
        companyId,
        rows,
        cursor: cursor ?? null,
        status: status ?? null,
        email: email ?? null,
        text: text ?? null,
      };
      const filters = {
        cursor: cursor !== undefined,
        status: status !== undefined,
        email: email !== undefined,
        text: text !== undefined,
      };
      return read(getList(filters), values);
    },
  };
}
