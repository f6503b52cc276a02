import type { Knex } from "knex";

/** The index of the search; what it holds is said in search.ts. */
export function up(schema: Knex.SchemaBuilder): Knex.SchemaBuilder {
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
