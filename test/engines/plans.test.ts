/** Query plans: the databases use indexes, regardless of the number of customers. */
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { defaultSearchWindow } from "../../server/database/connect.ts";
import type { BoundStatement, Statement, Values } from "../../server/database/database.ts";
import { bindValues } from "../../server/database/statement.ts";
import { createDatabase } from "../support/databases.ts";
import type { Partner } from "../support/partner.ts";
import { startServer } from "../support/server.ts";

/** Requests of every form; `{id}` and `{email}` are those of a customer at 90 % depth. */
const requests: Record<string, { method?: string; path: string; body?: Record<string, string> }> = {
  "a get": { path: "/customers/{id}" },
  "the first page": { path: "/customers" },
  "a page at depth": { path: "/customers?cursor={id}" },
  "a common status": { path: "/customers?status=ACTIVE" },
  "a rare status": { path: "/customers?status=BLOCKED" },
  "a rare status at depth": { path: "/customers?status=BLOCKED&cursor={id}" },
  "an email": { path: "/customers?email={email}" },
  "a rare term": { path: "/customers?search=zebra" },
  "a common term": { path: "/customers?search=bakery" },
  "a common term at depth": { path: "/customers?search=bakery&cursor={id}" },
  "a term that only the oldest have": { path: "/customers?search=tavern" },
  "a term of one rare character": { path: "/customers?search=z" },
  "a term of one common character": { path: "/customers?search=e" },
  "a term of two rare characters": { path: "/customers?search=ze" },
  "a term of two common characters": { path: "/customers?search=ry" },
  "a term neither rare nor common": { path: "/customers?search=77" },
  "a term without a match": { path: "/customers?search=nobody" },
  "one character without a match": { path: "/customers?search=%E9%83%BD" },
  "a rare term with a common status": { path: "/customers?search=zebra&status=ACTIVE" },
  "a common term with a rare status": { path: "/customers?search=bakery&status=BLOCKED" },
  "a rare term with a rare status": { path: "/customers?search=zebra&status=BLOCKED&cursor={id}" },
  "a create": { method: "POST", path: "/customers", body: { email: "new@x.example", name: "New" } },
  "a create with a taken email": { method: "POST", path: "/customers", body: { email: "{email}" } },
  "an update": { method: "PATCH", path: "/customers/{id}", body: { name: "Changed" } },
};

/**
 * How many customers a search compares before it uses the index: on PostgreSQL, the default; on SQLite, half
 * of the company's.
 */
const [searchWindow, sqliteSearchWindow] = [defaultSearchWindow, 50];

/**
 * For these, PostgreSQL reads the customers in order, or fetches every hit: the index lacks the term, or is not in
 * order.
 */
const readingMany = [
  "a common term at depth",
  "a term that only the oldest have",
  "a term of one rare character",
  "a term of two rare characters",
  "a term neither rare nor common",
  "one character without a match",
];

/**
 * For these, PostgreSQL compares every customer of the company, which has most of the table. For the first one, it does
 * so only if the machine is so busy that the index takes longer than its timeout.
 */
const comparingAll = [
  "a term that only the oldest have",
  "a term of one rare character",
  "a term of two rare characters",
  "one character without a match",
];

/** A statement that the server has run. */
interface Ran {
  statement: Statement<unknown>;
  values: Values;
}

/** Starts a server on a new database of an engine; records the statements of each request. */
async function startWatchedServer(engine: string) {
  const { url, drop } = await createDatabase(engine);
  let ran: Ran[] = [];
  const server = await startServer({
    databaseUrl: url,
    searchWindow: engine === "sqlite" ? sqliteSearchWindow : searchWindow,
    onStatement: (statement, values) => ran.push({ statement, values }),
  });
  const partner = await server.partner({ company: "acme" });
  return {
    server,
    partner,
    smallPartner: await server.partner({ company: "small" }),
    /** @param deep the customer in the request */
    async recordStatements(
      name: string,
      deep: { id: string; email: string },
      caller: Pick<Partner, "send"> = partner,
    ): Promise<Ran[]> {
      const { method = "GET", path, body } = requests[name] as (typeof requests)[string];
      ran = [];
      await caller.send(
        method,
        path.replace("{id}", deep.id).replace("{email}", deep.email),
        body?.email === "{email}" ? { ...body, email: deep.email } : body,
      );
      // The key lookup, and the statements of the operation.
      expect(ran.length).toBeGreaterThanOrEqual(2);
      // Requests for the planner's estimate do not count.
      return ran.filter(({ statement }) => !statement.sql.startsWith("explain"));
    },
    async stop() {
      await server.stop();
      await drop();
    },
  };
}

/** The fields of a PostgreSQL plan node that the tests read. */
interface PlanNode {
  "Node Type": string;
  "Relation Name"?: string;
  "Index Name"?: string;
  "Index Cond"?: string;
  "Actual Rows"?: number;
  "Rows Removed by Filter"?: number;
  "Rows Removed by Index Recheck"?: number;
  Plans?: PlanNode[];
}

function listNodes(node: PlanNode): PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(listNodes)];
}

describe("PostgreSQL plans", () => {
  const inCompany = 200_000;
  let watched: Awaited<ReturnType<typeof startWatchedServer>>;
  let client: pg.Client;
  let deep: { id: string; email: string };
  beforeAll(async () => {
    watched = await startWatchedServer("postgres");
    client = new pg.Client(watched.server.databaseUrl);
    await client.connect();
    // The plans of statements within functions are sent as notices.
    for (const sql of [
      "load 'auto_explain'",
      "set auto_explain.log_min_duration = 0",
      "set auto_explain.log_nested_statements = on",
      "set auto_explain.log_analyze = on",
      "set auto_explain.log_format = json",
      "set auto_explain.log_level = notice",
    ])
      await client.query(sql);
    await fill(client);
    const { rows } = await client.query(
      "select customers.id, email from customers join companies on companies.id = company_id where slug = 'acme' order by customers.id offset $1 limit 1",
      [inCompany / 10],
    );
    deep = rows[0];
  }, 180_000);
  afterAll(async () => {
    await client?.end();
    await watched?.stop();
  });

  /** Returns the plan of a statement for its values, or the generic one; then the plans of its functions. */
  function explainStatement({ statement, values }: Ran, mode: "custom" | "generic"): Promise<PlanNode> {
    return explainBound({ statement, values: bindValues(statement, values) }, mode);
  }

  async function explainBound(
    { statement, values }: BoundStatement,
    mode: "custom" | "generic",
    hasStatistics = true,
  ): Promise<PlanNode> {
    const nested: PlanNode[] = [];
    const keep = ({ message = "" }) => {
      const text = /^duration: .* plan:\n(.*)$/s.exec(message)?.[1];
      if (!text) return;
      const { Plan, "Query Text": query } = JSON.parse(text);
      if (!/^(explain|prepare)/.test(query)) nested.push(Plan);
    };
    client.on("notice", keep);
    const literals = values.map((value) => (value === null ? "null" : pg.escapeLiteral(String(value))));
    await client.query(`set plan_cache_mode = force_${mode}_plan`);
    await client.query(`prepare statement as ${statement.sql}`);
    try {
      await client.query("begin");
      if (!hasStatistics)
        await client.query("delete from pg_statistic where starelid = 'customers'::regclass");
      const { rows } = await client.query(
        `explain (analyze, format json) execute statement${literals.length > 0 ? `(${literals.join()})` : ""}`,
      );
      return { "Node Type": "All", Plans: [rows[0]["QUERY PLAN"][0].Plan, ...nested] };
    } finally {
      client.off("notice", keep);
      // `explain analyze` also executes a write.
      await client.query("rollback");
      await client.query("deallocate statement");
    }
  }

  it.each(Object.keys(requests))("PostgreSQL: %s → reads few rows, or all once", async (name) => {
    for (const ran of await watched.recordStatements(name, deep)) {
      const { sql, planEachTime } = ran.statement;
      // A named statement is planned for its values at first, and may later get a generic plan.
      for (const mode of planEachTime ? (["custom"] as const) : (["custom", "generic"] as const)) {
        const nodes = listNodes(await explainStatement(ran, mode));
        const what = `${mode} plan of ${sql}: ${JSON.stringify(nodes[0], null, 1)}`;
        const scans = nodes.map((node) => node["Node Type"]).filter((type) => /Seq Scan/.test(type));
        const comparesAll = comparingAll.includes(name) && sql.includes("id::text");
        expect(scans, what).toEqual(comparesAll ? ["Seq Scan"] : []);
        if (comparesAll) {
          expect(nodes.map((node) => node["Node Type"])).toContain("Gather Merge");
          continue;
        }
        const conditions = nodes
          .filter((node) => node["Index Name"])
          .map((node) => String(node["Index Cond"]));
        if (!sql.startsWith("insert")) expect(conditions.length, what).toBeGreaterThan(0);
        for (const condition of conditions)
          expect(condition, what).toMatch(/\b(company_id|sha256|id|oid) =| ~~ /);
        // A bitmap index scan counts index entries; the node above it has the rows that were read.
        const readers = nodes.filter((node) => node["Node Type"] !== "Bitmap Index Scan");
        const rowsRead = readers.map(
          (node) =>
            (node["Actual Rows"] ?? 0) +
            (node["Rows Removed by Filter"] ?? 0) +
            (node["Rows Removed by Index Recheck"] ?? 0),
        );
        const mostRows = readingMany.includes(name) ? inCompany : searchWindow + 100;
        expect(Math.max(...rowsRead), what).toBeLessThanOrEqual(mostRows);
      }
    }
  });

  it.each([
    ["a get", ["customers_pkey"], ["company_id", "id"]],
    ["the first page", ["customers_pkey"], ["company_id"]],
    ["a page at depth", ["customers_pkey"], ["company_id", "id"]],
    ["a rare status at depth", ["customers_company_id_status_id_index"], ["company_id", "status", "id"]],
    ["an email", ["customers_company_id_email_unique"], ["company_id", "email"]],
    ["a rare term", ["customers_search"], ["folded_name.*"]],
    ["a term without a match", ["customers_search"], ["folded_name.*"]],
    ["a create with a taken email", ["customers_company_id_email_unique"], ["company_id", "email"]],
  ])("PostgreSQL: %s → uses its index", async (name, indexes, columns) => {
    const last = (await watched.recordStatements(name, deep)).at(-1) as Ran;
    const scans = listNodes(await explainStatement(last, "custom")).filter((node) => node["Index Name"]);
    const names = scans.map((scan) => scan["Index Name"]);
    expect(names).toEqual(indexes);
    for (const column of columns)
      expect(scans.at(-1)?.["Index Cond"]).toMatch(new RegExp(`\\b${column} (=|<|~~)`));
  });

  // The index would read the list of all customers of a company that has most of them.
  it.each([
    ["small", "by the index, with the company"],
    ["large", "by the index, without the company"],
  ])("PostgreSQL: rare term, %s company → %s", async (size) => {
    const caller = size === "small" ? watched.smallPartner : watched.partner;
    const last = (await watched.recordStatements("a rare term", deep, caller)).at(-1) as Ran;
    const [scan] = listNodes(await explainStatement(last, "custom")).filter((node) => node["Index Name"]);
    expect(scan?.["Index Name"]).toBe("customers_search");
    expect(/company_id =/.test(scan?.["Index Cond"] ?? "")).toBe(size === "small");
  });

  it.each([
    ["small", "by an index"],
    ["large", "with several processes"],
  ])("PostgreSQL: one rare character, %s company → compared %s", async (size) => {
    const caller = size === "small" ? watched.smallPartner : watched.partner;
    const last = (await watched.recordStatements("a term of one rare character", deep, caller)).at(-1) as Ran;
    const nodes = listNodes(await explainStatement(last, "custom"));
    const indexes = nodes.flatMap((node) => node["Index Name"] ?? []);
    expect(indexes).toHaveLength(size === "small" ? 1 : 0);
    expect(nodes.some((node) => node["Node Type"] === "Gather Merge")).toBe(size === "large");
  });

  it.each([
    ["custom", true],
    ["generic", true],
    ["generic", false],
  ] as const)("PostgreSQL: 16 updates, %s plan, statistics: %s → reads 16 rows", async (mode, statistics) => {
    const { statement, values } = (await watched.recordStatements("an update", deep)).at(-1) as Ran;
    const { rows } = await client.query(
      "select customers.id from customers join companies on companies.id = company_id where slug = 'acme' order by customers.id limit 16",
    );
    const combined = statement.combine?.(rows.map(({ id }) => ({ ...values, id }))) as BoundStatement;
    const nodes = listNodes(await explainBound(combined, mode, statistics));
    const scans = nodes.filter((node) => node["Relation Name"] === "customers");
    expect(scans.map((node) => node["Node Type"])).toEqual([
      "ModifyTable",
      expect.stringMatching(/^(Index|Bitmap Heap) Scan$/),
      "Tid Scan",
    ]);
    expect(scans.map((node) => node["Actual Rows"])).toEqual([16, 1, 1]);
  });

  it("PostgreSQL: API key → uses the index of its hash", async () => {
    const [first] = await watched.recordStatements("the first page", deep);
    const scans = listNodes(await explainStatement(first as Ran, "generic")).filter(
      (node) => node["Index Name"],
    );
    expect(scans[0]).toMatchObject({
      "Index Name": "api_keys_sha256_unique",
      "Index Cond": "(sha256 = ANY (string_to_array($1, ','::text)))",
    });
  });

  async function fill(client: pg.Client): Promise<void> {
    const index = await client.query("select pg_get_indexdef('customers_search'::regclass) as definition");
    for (const sql of [
      // Built at the end: row by row it would take many times as long.
      "drop index customers_search",
      "set maintenance_work_mem = '256MB'",
      // The companies exist, so foreign keys need not be checked row by row.
      "set session_replication_role = replica",
      "insert into companies (id, slug, created_at) select gen_random_uuid(), 'other-' || n, 0 from generate_series(0, 4998) as n",
      `insert into customers (company_id, id, email, name, folded_name, status, email_verified, updated_at)
       select
         case when n % 11 > 0 then acme.id else other.id end,
         (lpad(to_hex(1600000000000 + n * 30000::bigint), 12, '0') || '70008000' || lpad(to_hex(n), 12, '0'))::uuid,
         n || '@x.example', name, lower(name), case when n % 1000 = 1 then 'BLOCKED' else 'ACTIVE' end, false, 1600000000000 + n * 30000::bigint
       from generate_series(1, ${inCompany} * 11 / 10) as n
       cross join lateral (select case when n % 20000 = 1 then 'Zebra' when n < 60000 then 'Tavern' else 'Bakery' end as name) as named
       join companies as acme on acme.slug = 'acme'
       join companies as other on other.slug = 'other-' || n % 99`,
      `insert into customers (company_id, id, email, name, folded_name, status, email_verified, updated_at)
       select
         small.id, (lpad(to_hex(1700000000000 + n), 12, '0') || '70008000' || lpad(to_hex(n), 12, '0'))::uuid,
         n || '@x.example', 'Bakery', 'bakery', 'ACTIVE', false, 1700000000000 + n
       from generate_series(1, ${searchWindow + 1_000}) as n join companies as small on small.slug = 'small'`,
      `insert into api_keys (id, company_id, name, prefix, sha256, scopes, created_at)
       select gen_random_uuid(), companies.id, '', 'dk_' || n, encode(sha256(n::text::bytea), 'hex'), 'customers:read', 0
       from generate_series(1, 20000) as n join companies on companies.slug = 'other-' || n % 99`,
      index.rows[0].definition,
      "analyze",
    ])
      await client.query(sql);
  }
});

describe("SQLite plans", () => {
  let watched: Awaited<ReturnType<typeof startWatchedServer>>;
  let deep: { id: string; email: string };
  beforeAll(async () => {
    watched = await startWatchedServer("sqlite");
    // Without statistics, SQLite's plans depend only on the schema, regardless of size.
    for (let n = 0; n < 100; n++) {
      const { body } = await watched.partner.send("POST", "/customers", {
        email: `${n}@x.example`,
        name: "Bakery",
      });
      if (n === 10) deep = body.data;
    }
  });
  afterAll(() => watched?.stop());

  it.each(Object.keys(requests))("SQLite: %s → uses indexes, sorts at most one slice", async (name) => {
    for (const { statement, values } of await watched.recordStatements(name, deep)) {
      const plan = await watched.server.database.read(
        { ...statement, sql: `explain query plan ${statement.sql}` } as Statement<{ detail: string }>,
        values,
      );
      const steps = plan.map(({ detail }) => detail);
      if (!statement.sql.startsWith("insert")) expect(steps.length, statement.sql).toBeGreaterThan(0);
      const readsIndex = statement.sql.includes("customers_search match");
      // The customer of each candidate, and of each match.
      if (readsIndex)
        expect(steps.filter((step) => step.startsWith("SEARCH customers "))).toEqual([
          expect.stringContaining("INTEGER PRIMARY KEY (rowid=?)"),
          expect.stringContaining("INTEGER PRIMARY KEY (rowid=?)"),
        ]);
      else if (/ from `customers` where .*\bstatus = /.test(statement.sql))
        expect(steps[0], statement.sql).toContain("(company_id=? AND status=?");
      for (const step of steps) {
        // The matches of one slice.
        if (readsIndex && step === "USE TEMP B-TREE FOR ORDER BY") continue;
        expect(step, statement.sql).toMatch(
          /^SEARCH (customers|companies|api_keys) USING (INDEX|COVERING INDEX|INTEGER PRIMARY KEY)|^SCAN customers_(search|vocabulary) VIRTUAL TABLE INDEX |^((SCAN|SEARCH) (candidates|listed|found|entries|\(subquery-\d+\))|MATERIALIZE (candidates|listed)|(CORRELATED )?(LIST|SCALAR) SUBQUERY \d+|CO-ROUTINE (found|entries|\(subquery-\d+\))|SETUP|RECURSIVE STEP|SCAN CONSTANT ROW|CREATE BLOOM FILTER)/,
        );
      }
    }
  });

  it("SQLite: a rare term → looked up in the index", async () => {
    const last = (await watched.recordStatements("a rare term", deep)).at(-1);
    expect(last?.statement.sql).toContain("customers_search match");
  });
});
