/** Copies one database to another, of either dialect, and compares the two. */
import { createHash, type Hash } from "node:crypto";
import type { Database, Run, Statement, Value } from "../database/connect.ts";
import { CommandError } from "../errors.ts";

/** What is copied, in an order that foreign keys allow, with the columns that order each table. */
const tables = {
  companies: { columns: ["id", "slug", "created_at"], key: ["id"] },
  api_keys: {
    columns: [
      "id",
      "company_id",
      "name",
      "prefix",
      "sha256",
      "scopes",
      "created_at",
      "expires_at",
      "last_used_at",
      "revoked_at",
    ],
    key: ["id"],
  },
  customers: {
    columns: [
      "company_id",
      "id",
      "email",
      "name",
      "folded_name",
      "status",
      "notes",
      "credit_limit",
      "tax_rate_override",
      "email_verified",
      "updated_at",
    ],
    key: ["company_id", "id"],
  },
  idempotency_keys: {
    columns: ["company_id", "key", "body_sha256", "customer_id", "entity_tag", "answer", "created_at"],
    key: ["company_id", "key"],
  },
  audit_entries: {
    columns: ["company_id", "changed_at", "customer_id", "changed_by", "changed_fields"],
    key: ["company_id", "changed_at", "customer_id"],
  },
};

type Row = Record<string, Value | boolean>;

/** Rows that are read and written at once. */
const batchSize = 500;

/** What was copied of one table, and found the same on both sides. */
export interface CopiedTable {
  table: string;
  rows: number;
  /** SHA-256 over all values of all rows, in the order of the key. */
  checksum: string;
}

/**
 * Copies everything from one database into an empty one, in one transaction, and compares counts
 * and checksums before it commits.
 * @throws {CommandError} when the target is not empty, or differs afterwards
 */
export async function copyDatabase(source: Database, target: Database): Promise<CopiedTable[]> {
  return source.session((read) =>
    target.session(async (write) => {
      // One state of the source, whatever is written meanwhile.
      await read(
        source.prepare(
          source.knex.raw(source.dialect === "sqlite" ? "begin" : "begin isolation level repeatable read"),
        ),
      );
      await write(target.prepare(target.knex.raw("begin")));
      const [first] = await write(
        target.prepare<{ id: string }>(target.knex("companies").select("id").limit(1)),
      );
      if (first) throw new CommandError("The target is not empty");
      const copied: CopiedTable[] = [];
      for (const table of Object.keys(tables) as (keyof typeof tables)[]) {
        const before = createDigest();
        for await (const rows of batchesOf(source, read, table)) {
          before.add(rows);
          await insert(target, write, table, rows);
        }
        const after = createDigest();
        for await (const rows of batchesOf(target, write, table)) after.add(rows);
        const [expected, found] = [before.result(), after.result()];
        if (expected.rows !== found.rows || expected.checksum !== found.checksum) {
          throw new CommandError(`${table} differs: ${JSON.stringify({ source: expected, target: found })}`);
        }
        copied.push({ table, ...found });
      }
      await write(target.prepare(target.knex.raw("commit")));
      // Until autovacuum comes by, plans would be those of empty tables.
      if (target.dialect === "postgres") await write(target.prepare(target.knex.raw("analyze")));
      return copied;
    }),
  );
}

/** The rows of a table in the order of its key, which is the same on both dialects. */
async function* batchesOf(database: Database, run: Run, table: keyof typeof tables): AsyncGenerator<Row[]> {
  const { knex, prepare, dialect } = database;
  const { columns, key } = tables[table];
  const ordered = key.map((column) =>
    column === "key" && dialect === "postgres" ? '"key" collate "C"' : `"${column}"`,
  );
  const query = (isFirst: boolean) => {
    const page = knex(table).select(columns).orderByRaw(ordered.join(", ")).limit(batchSize);
    if (!isFirst)
      page.whereRaw(
        `(${ordered.join(", ")}) > (${key.map(() => "?").join(", ")})`,
        key.map((column) => `:${column}`),
      );
    return prepare<Row>(page);
  };
  const next = query(false);
  let rows = await run(query(true));
  while (rows.length > 0) {
    yield rows;
    const last = rows.at(-1) as Record<string, Value>;
    rows =
      rows.length < batchSize
        ? []
        : await run(next, Object.fromEntries(key.map((column) => [column, last[column] as Value])));
  }
}

const inserts = new WeakMap<Database, Map<string, Statement<unknown>>>();

async function insert(database: Database, run: Run, table: keyof typeof tables, rows: Row[]): Promise<void> {
  const derived = (row: Row) => (table === "customers" ? database.search.columnsOf(String(row.id)) : {});
  const full = rows.map((row) => ({ ...row, ...derived(row) }) as Row);
  const columns = Object.keys(full[0] as Row);
  const kept = inserts.get(database) ?? new Map();
  inserts.set(database, kept);
  const form = `${table} ${rows.length}`;
  if (!kept.has(form)) {
    const markers = full.map((_, index) =>
      Object.fromEntries(columns.map((column) => [column, `:${index}.${column}`])),
    );
    kept.set(form, database.prepare(database.knex(table).insert(markers)));
  }
  const values = full.flatMap((row, index) =>
    columns.map((column) => [`${index}.${column}`, storable(database, column, row[column])]),
  );
  await run(kept.get(form), Object.fromEntries(values));
}

/** SQLite has no booleans, PostgreSQL nothing else for them. */
function storable(database: Database, column: string, value: Row[string] | undefined): Value {
  if (column !== "email_verified") return value as Value;
  return database.dialect === "sqlite" ? Number(value) : String(Boolean(value));
}

function createDigest() {
  const hash: Hash = createHash("sha256");
  let count = 0;
  return {
    add(rows: Row[]) {
      for (const row of rows) {
        count++;
        const { email_verified, ...others } = row;
        hash.update(JSON.stringify([...Object.entries(others), Boolean(email_verified)]));
      }
    },
    result: () => ({ rows: count, checksum: hash.digest("hex") }),
  };
}
