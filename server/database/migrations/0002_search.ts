import type { Knex } from "knex";
import type { Migration } from "../migrate.ts";

/** The index of the search; what it holds is said in search.ts. */
export const up: Migration["up"] = (schema, dialect) => (dialect === "sqlite" ? sqlite : postgres)(schema);

function sqlite(schema: Knex.SchemaBuilder): Knex.SchemaBuilder {
  return (
    schema
      // Contentless: a customer's text stands in its own row, and only there.
      .raw(
        "create virtual table customers_search using fts5(grams, content='', contentless_delete=1, detail=none, tokenize='ascii')",
      )
      .raw(
        `create trigger customers_search_insert after insert on customers begin
           insert into customers_search (rowid, grams)
           values (new.position, search_grams(new.company_id, new.email, new.folded_name, new.status));
         end`,
      )
      .raw(
        `create trigger customers_search_update after update of email, folded_name, status on customers
         when old.email is not new.email or old.folded_name is not new.folded_name or old.status is not new.status begin
           update customers_search set grams = search_grams(new.company_id, new.email, new.folded_name, new.status)
           where rowid = new.position;
         end`,
      )
      .raw(
        `create trigger customers_search_delete after delete on customers begin
           delete from customers_search where rowid = old.position;
         end`,
      )
  );
}

function postgres(schema: Knex.SchemaBuilder): Knex.SchemaBuilder {
  return (
    schema
      // So that the company can come first in an index of arrays. Trusted: the owner may create it.
      .raw("create extension if not exists btree_gin")
      // pg_trgm is no help here: it passes over punctuation and, in the C locale, over all letters
      // but ASCII's, and finds nothing for terms of one and two characters.
      .raw(
        `create function search_grams(email text, folded_name text) returns bigint[]
         language sql immutable parallel safe
         return (
           select array_agg(distinct gram) from (
             select unnest(array[a, a | (b >> 21), a | (b >> 21) | (c >> 42)]) as gram from (
               select code as a, lead(code) over part as b, lead(code, 2) over part as c from (
                 select 1 as source, place, ascii(character)::bigint << 42 as code
                 from unnest(string_to_array(email, null)) with ordinality as characters (character, place)
                 union all
                 select 2, place, ascii(character)::bigint << 42
                 from unnest(string_to_array(folded_name, null)) with ordinality as characters (character, place)
               ) as codes window part as (partition by source order by place)
             ) as windows
           ) as grams where gram is not null
         )`,
      )
      .raw(
        "alter table customers add column grams bigint[] not null generated always as (search_grams(email, folded_name)) stored",
      )
      // Without the list of pending entries, which every search would have to read.
      .raw("create index customers_search on customers using gin (company_id, grams) with (fastupdate = off)")
  );
}
