import type { Migration } from "../migrate.ts";

/**
 * An era is a span of time, and each customer belongs to one of each of these lengths, from 198 days
 * down to a second, each the sixteenth part of the one before: in milliseconds, as powers of two.
 */
const eraBits = [34, 30, 26, 22, 18, 14, 10];
/**
 * So many eras of a length are asked before longer ones are. With fewer, an era where the hits begin may hold
 * many of them, and with more, hits that are far away are behind many eras.
 */
const patience = 32;
/** And for so many milliseconds, before the index is asked once for what is left in all of them. */
const asLong = 20;
/** SQL: the milliseconds of an id. */
const timeOf = (id: string) => `('x' || translate(left(${id}::text, 13), '-', ''))::bit(48)::bigint`;
/** SQL: an era as the index has it among the grams; no gram has this sign and is so large. */
const eraOf = (level: string, era: string) => `(-1::bigint << 62) | (${level}::bigint << 48) | (${era})`;
/** PL/pgSQL: counts the `candidates` that the index gives, at most `limit`, and finds among them those with the term. */
const find = (condition: string, limit: string) =>
  `select count(*), array_agg(id order by id desc) filter (
     where id < before and (of_status is null or status = of_status)
       and (strpos(email, term) > 0 or strpos(folded_name, term) > 0))
   into candidates, found from (
     select id, email, folded_name, status from customers
     where company_id = of_company and search_grams(id, email, folded_name) @> grams and ${condition}
     limit ${limit}) as asked_for;`;

/**
 * PostgreSQL: the time of a customer's creation joins the grams of its text in the index of the search, so that
 * the newest of many hits are found without all the others. SQLite's index is in that order by itself.
 *
 * The function of the index before stays for servers of the version before, which may go on beside this one: they
 * find what they search for as before, but without its index, and not as fast.
 */
export const up: Migration["up"] = (schema, dialect) => {
  if (dialect === "sqlite") return schema;
  return (
    schema
      .raw(
        // An index calls it without a search path, so it calls nothing but what PostgreSQL has itself.
        // Where the text is shorter, it has grams that begin with zeros; nobody asks for them. In a
        // loop, as a query of the same takes six times as long. The cost, 0.3 ms in the planner's terms, keeps it
        // from computing this for every row in place of asking the index.
        `create function search_grams(id uuid, email text, folded_name text) returns bigint[]
         language plpgsql immutable parallel safe cost 10000 as $$
         declare
           grams bigint[];
           gram bigint = 0;
           character text;
           created bigint = ${timeOf("id")};
         begin
           foreach character in array string_to_array(concat(email, chr(1), folded_name), null) loop
             gram := ((gram & ${2 ** 42 - 1}) << 21) | ascii(character);
             grams := array_append(array_append(array_append(
               grams, gram), (gram & ${2 ** 42 - 1}) | (1::bigint << 63)), gram & ${2 ** 21 - 1});
           end loop;
           return grams || array[${eraBits.map((bits, level) => eraOf(String(level), `created >> ${bits}`))}];
         end $$`,
      )
      .raw("drop index customers_search")
      .raw(
        "create index customers_search on customers using gin (company_id, search_grams(id, email, folded_name)) with (gin_pending_list_limit = 1024)",
      )
      // The newest customers with a term in an era, and before a given one. The index gives what it finds in
      // no order: where that is more than `most`, it is asked for each part of the era by itself, the newest
      // first. The era is a condition of its own, so that the index begins with it: as one more gram it would be
      // looked for in all of the grams' entries, a tenth as fast.
      .raw(
        `create function search_era(
           of_company uuid, term text, grams bigint[], before uuid, of_status text,
           most integer, wanted integer, level integer, era bigint
         ) returns setof uuid language plpgsql stable as $$
         declare
           candidates integer;
           found uuid[];
           returned integer;
         begin
           ${find(
             `search_grams(id, email, folded_name) @> array[${eraOf("level", "era")}]`,
             `case when level < ${eraBits.length - 1} then most + 1 end`,
           )}
           if candidates <= most or level = ${eraBits.length - 1} then
             return query select unnest(found[:wanted]);
             return;
           end if;
           for part in reverse 15 .. 0 loop
             return query select * from search_era(
               of_company, term, grams, before, of_status, most, wanted, level + 1, era * 16 + part);
             get diagnostics returned = row_count;
             wanted := wanted - returned;
             exit when wanted <= 0;
           end loop;
         end $$`,
      )
      // The newest customers with a term before a given one: era after era, in ever longer steps to the oldest
      // customer, the first of them longer than what was compared to no avail, that from `newest` to `before`.
      // To ask for all eras at once would take half a second where the oldest third of 1,000,000 customers has
      // the term: 300,000 hits are to be read and sorted. But to ask for era after era would take a third of one
      // where none has the term, and many have its grams: the index looks for the next hit beyond an era's
      // end. So after a while all are asked for at once, to see whether they are few. No plan but the index's is
      // any good here.
      .raw(
        `create function search_newest(
           of_company uuid, term text, grams bigint[], newest uuid, before uuid, oldest uuid, of_status text,
           most integer, wanted integer
         ) returns setof uuid language plpgsql stable
         set enable_seqscan = off set enable_indexscan = off set jit = off set plan_cache_mode = force_generic_plan
         as $$
         declare
           began timestamptz = clock_timestamp();
           candidates integer;
           found uuid[];
           bits integer[] = array[${eraBits}];
           span bigint = ${timeOf("newest")} - ${timeOf("before")};
           level integer = ${eraBits.length - 1};
           era bigint;
           asked integer = 0;
           returned integer;
         begin
           while level > 0 and span >= 1::bigint << bits[level + 1] loop
             level := level - 1;
           end loop;
           era := ${timeOf("before")} >> bits[level + 1];
           while wanted > 0 and era >= ${timeOf("oldest")} >> bits[level + 1] loop
             return query select * from search_era(
               of_company, term, grams, before, of_status, most, wanted, level, era);
             get diagnostics returned = row_count;
             wanted := wanted - returned;
             asked := asked + 1;
             if level > 0 and era % 16 = 0 and asked >= ${patience} then
               era := era / 16;
               level := level - 1;
               asked := 0;
             end if;
             era := era - 1;
             if candidates is null and wanted > 0 and clock_timestamp() > began + interval '${asLong} milliseconds' then
               ${find("true", "most + 1")}
               if candidates <= most then
                 return query select id from unnest(found) as id
                   where ${timeOf("id")} >> bits[level + 1] <= era limit wanted;
                 return;
               end if;
             end if;
           end loop;
         end $$`,
      )
  );
};
