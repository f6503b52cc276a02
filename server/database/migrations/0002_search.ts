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
        // Where the text is shorter, it has grams that begin with zeros; nobody asks for them. In a
        // loop, as a query of the same takes six times as long. The cost keeps the planner from computing
        // it for every row in place of asking the index.
        `create function search_grams(email text, folded_name text) returns bigint[]
         language plpgsql immutable parallel safe cost 1000 as $$
         declare
           grams bigint[];
           gram bigint = 0;
           character text;
         begin
           foreach character in array string_to_array(concat(email, chr(1), folded_name), null) loop
             gram := ((gram & ${2 ** 42 - 1}) << 21) | ascii(character);
             grams := array_append(array_append(array_append(
               grams, gram), (gram & ${2 ** 42 - 1}) | (1::bigint << 63)), gram & ${2 ** 21 - 1});
           end loop;
           return grams;
         end $$`,
      )
      // The list of pending entries makes writing four times as fast. Every search reads it: at this
      // size (in kB), that takes less than a millisecond.
      .raw(
        "create index customers_search on customers using gin (company_id, search_grams(email, folded_name)) with (gin_pending_list_limit = 1024)",
      )
  );
}
