/** Company data can be looked up and partitioned by company: all its unique keys begin with the company. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { startServer, type TestServer } from "../support/server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());

/**
 * Keys that cannot begin with the company. A company is found by its API key: if tables are distributed by company,
 * api_keys is a reference table, and every node has a copy.
 */
const exceptions = ["api_keys (id)", "api_keys (sha256)", "operator_entries (id)"];

/** SQLite: the rowid, by which the search iterates; it is unique within the file and internal to it. */
const sqliteExceptions = ["customers (position)"];

const questions = {
  postgres: `
    select tables.relname || ' (' || string_agg(columns.attname, ', ' order by place) || ')' as key
    from pg_index
    join pg_class as tables on tables.oid = indrelid
    cross join unnest(indkey) with ordinality as keys (number, place)
    join pg_attribute as columns on columns.attrelid = indrelid and columns.attnum = number
    where indisunique and exists (select 1 from pg_attribute where attrelid = indrelid and attname = 'company_id')
    group by indexrelid, tables.relname`,
  sqlite: `
    select "table" || ' (' || group_concat(name, ', ') || ')' as key from (
      select tables.name as "table", indexes.name as "index", columns.name as name
      from sqlite_schema as tables, pragma_index_list(tables.name) as indexes, pragma_index_info(indexes.name) as columns
      where tables.type = 'table' and indexes."unique"
      union all
      select tables.name, 'rowid', columns.name
      from sqlite_schema as tables, pragma_table_info(tables.name) as columns
      where tables.type = 'table' and columns.pk and lower(columns.type) = 'integer'
    ) where "table" in (
      select tables.name from sqlite_schema as tables, pragma_table_info(tables.name) as columns where columns.name = 'company_id'
    ) group by "table", "index"`,
};

it("schema: unique keys of company data → begin with company_id", async () => {
  const { dialect, knex, prepare, read } = server.database;
  const rows = await read(prepare<{ key: string }>(knex.raw(questions[dialect])), {});
  const keys = rows.map(({ key }) => key);
  expect(keys).toEqual(
    expect.arrayContaining([
      "customers (company_id, id)",
      "customers (company_id, email)",
      "idempotency_keys (company_id, key)",
    ]),
  );
  const expected = dialect === "sqlite" ? [...exceptions, ...sqliteExceptions] : exceptions;
  expect(keys.filter((key) => !key.includes("(company_id, ")).sort()).toEqual(expected.sort());
});
