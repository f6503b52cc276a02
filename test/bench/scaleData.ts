/** Fills a database with one large company and ninety-nine small ones, or with ten of equal size. */
import { v7 as uuidv7 } from "uuid";
import { type ApiKey, createApiKeys } from "../../server/apiKeys.ts";
import { connectDatabase } from "../../server/database/connect.ts";
import { listInsertColumns, toInsertValues } from "../../server/database/customers.ts";
import type { Database, Run, Value } from "../../server/database/database.ts";
import { keepStatements, named } from "../../server/database/statement.ts";
import { createKeyAdministration } from "../../server/keyAdministration.ts";
import { createRandom, person, terms } from "./people.ts";

export interface ScaleData {
  /** A key of the large company. */
  key: string;
  /** The IDs of its customers, oldest first. */
  ids: string[];
  seconds: number;
}

const small = 99;
/** One customer of a small company is created after this many customers of the large company. */
const everyOther = 10;
const firstCreatedAt = Date.UTC(2023, 0, 1);
const millisecondsBetween = 30_000;
/** Of ten companies, the one whose names fill the vocabulary of the search index. */
const [alike, filler] = [10, 9];
/** The share of the large company's oldest customers whose names have a character that no later one has. */
const oldShare = 0.3;

/** Rows that one statement inserts. SQLite gains nothing from more than one. */
const batchSize = { sqlite: 1, postgres: 250 };

/**
 * Fills a new database. The customers of all companies are created in turn, so that they are interleaved. On PostgreSQL
 * the search index is built afterwards, which is faster.
 * @param ofTen divides the customers among ten companies, one of which has names with very many different words
 */
export async function fillDatabase(url: string, customers: number, ofTen = false): Promise<ScaleData> {
  const startedAt = performance.now();
  const database = await connectDatabase({ url });
  const apiKeys = createApiKeys(database);
  const keys: string[] = [];
  const companies: string[] = [];
  for (let company = 0; company <= small; company++) {
    const key = await createKeyAdministration(database).create({
      company: `company-${company}`,
      scopes: ["customers:read"],
    });
    keys.push(key);
    companies.push(((await apiKeys.find(`Bearer ${key}`)) as ApiKey).companyId);
  }

  const ids: string[] = [];
  await database.session(async (run) => {
    const execute = (sql: string) => run(database.prepare(database.knex.raw(sql)));
    const isPostgres = database.dialect === "postgres";
    const [index] = isPostgres
      ? ((await execute("select pg_get_indexdef('customers_search'::regclass) as sql")) as { sql: string }[])
      : [];
    if (isPostgres) await execute("drop index customers_search");

    await execute("begin");
    await insertCustomers(database, run, companies, customers, ids, ofTen);
    await execute("commit");

    if (index) {
      await execute("set maintenance_work_mem = '512MB'");
      await execute(index.sql);
    }
    await execute(isPostgres ? "vacuum analyze" : "pragma wal_checkpoint(truncate)");
  });
  await database.close();
  return { key: keys[0] as string, ids, seconds: (performance.now() - startedAt) / 1000 };
}

async function insertCustomers(
  { knex, prepare, dialect }: Database,
  run: Run,
  companies: string[],
  customers: number,
  ids: string[],
  ofTen: boolean,
): Promise<void> {
  const random = createRandom(0);
  const bytes = Buffer.alloc(16);
  const columns = listInsertColumns(dialect);
  let batch: Record<string, Value>[] = [];
  const buildInsert = keepStatements((count: number) =>
    prepare(
      knex("customers").insert(
        Array.from({ length: count }, (_, row) =>
          Object.fromEntries(columns.map((column) => [column, named(`${row}.${column}`)])),
        ),
      ),
    ),
  );

  async function flush() {
    const values = batch.flatMap((row, index) =>
      columns.map((column) => [`${index}.${column}`, row[column] as Value]),
    );
    const statement = buildInsert(batch.length);
    batch = [];
    await run(statement, Object.fromEntries(values));
  }

  const total = ofTen ? customers : customers + Math.floor(customers / everyOther);
  for (let index = 0; index < total; index++) {
    const round = Math.floor(index / (everyOther + 1));
    const isOther = ofTen ? index % alike > 0 : index % (everyOther + 1) === everyOther;
    const company = ofTen ? index % alike : isOther ? 1 + (round % small) : 0;
    const body = person(ofTen ? Math.floor(index / alike) : isOther ? round : index - round);
    if (ofTen && company === filler) body.name = vocabularyName(random);
    if (!isOther && body.name && index < total * oldShare) body.name += ` ${terms.old}`;
    const updatedAt = firstCreatedAt + index * millisecondsBetween;
    for (let at = 0; at < 16; at += 4) bytes.writeUInt32BE(random() * 2 ** 32, at);
    const id = uuidv7({ msecs: updatedAt, random: bytes });
    if (!isOther) ids.push(id);
    const row = {
      id,
      email: body.email,
      name: body.name ?? null,
      status: body.status,
      notes: body.notes ?? null,
      creditLimit: body.creditLimit ?? null,
      taxRateOverride: body.taxRateOverride ?? null,
      emailVerified: false,
      version: updatedAt,
    };
    batch.push(toInsertValues(dialect, companies[company] as string, row, null));
    if (batch.length === batchSize[dialect]) await flush();
  }
  if (batch.length > 0) await flush();
}

/**
 * Returns a name with thirty new trigrams that begin with the same character, and others that begin with any character.
 */
function vocabularyName(random: () => number): string {
  const ideograph = () => String.fromCharCode(0x4e00 + Math.floor(random() * 20_000));
  return Array.from({ length: 30 }, () => `${terms.inVocabularyOfAnother}${ideograph()}${ideograph()}`).join(
    "",
  );
}
