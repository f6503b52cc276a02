/** PostgreSQL through pg, with a pool of connections that Knex keeps. */
import { createHash } from "node:crypto";
import createKnex, { type Knex } from "knex";
import pg from "pg";
import { UnavailableError } from "../errors.ts";
import {
  type ConnectOptions,
  type Database,
  patienceInMilliseconds,
  type Statement,
  type Step,
  statementOf,
  type Value,
  valuesOf,
  type WriteResult,
} from "./connect.ts";
import { newestVersion, pendingStatements, versionTable } from "./migrate.ts";
import type { Search } from "./search.ts";

/** Any number, but the same in all processes: the lock under which migrations run. */
const migrationLock = 7_216_305_118;

/** How long the start waits for another process that migrates. */
const migrationPatienceInMilliseconds = 600_000;

/**
 * SQLSTATE classes of a server that is away, starting, stopping, full, read-only, damaged or locked
 * against us, and of statements that it gave up.
 */
const unavailableStates = /^(08|25006|28|3D|40|53|55000|55P03|57|58|XX00[12])/;

/** A connection that failed in the middle is not given to anybody else; Knex looks at this mark. */
type PooledConnection = pg.Client & { __knex__disposed?: unknown };

/**
 * Opens a PostgreSQL database and brings it to the newest migration.
 * @throws {UnavailableError} when it cannot be reached
 */
export async function connectPostgres(options: ConnectOptions): Promise<Database> {
  const { url, poolSize = 10, statementTimeoutInMilliseconds = patienceInMilliseconds } = options;
  const { searchWindow = 4_000 } = options;
  const knex = createKnex({
    client: "pg",
    connection: {
      connectionString: url,
      application_name: "distribu-customers-api",
      connectionTimeoutMillis: patienceInMilliseconds,
      statement_timeout: statementTimeoutInMilliseconds,
      keepAlive: true,
      // Every bigint of ours is a time in milliseconds, and fits.
      types: {
        getTypeParser: (oid: number, format: "text") =>
          oid === 20 ? Number : pg.types.getTypeParser(oid, format),
      },
    } as never,
    pool: { min: 0, max: poolSize },
    acquireConnectionTimeout: patienceInMilliseconds,
    // Knex would write to the console what is thrown anyway.
    log: { warn() {}, error() {}, deprecate() {}, debug() {} },
  });

  async function onConnection<Result>(
    work: (connection: pg.Client) => Promise<Result>,
    milliseconds = statementTimeoutInMilliseconds,
  ): Promise<Result> {
    let connection: PooledConnection;
    try {
      connection = await knex.client.acquireConnection();
    } catch (error) {
      throw asUnavailable(error);
    }
    // The server gives up a statement by itself, unless it is frozen or the network is gone.
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new UnavailableError("no answer")), milliseconds + 100);
    });
    try {
      return await Promise.race([work(connection), timeout]);
    } catch (error) {
      if (!isHealthy(error)) {
        connection.__knex__disposed = error;
        connection.end().catch(() => {});
      }
      throw asUnavailable(error);
    } finally {
      clearTimeout(timer);
      knex.client.releaseConnection(connection);
    }
  }

  await onConnection(async (connection) => {
    await connection.query("set statement_timeout = 0");
    await connection.query("begin");
    await connection.query("select pg_advisory_xact_lock($1)", [migrationLock]);
    await connection.query(versionTable.create);
    const { version } = (await connection.query(versionTable.read)).rows[0];
    for (const sql of pendingStatements(knex, "postgres", version)) await connection.query(sql);
    await connection.query("commit");
    await connection.query(`set statement_timeout = ${statementTimeoutInMilliseconds}`);
  }, migrationPatienceInMilliseconds).catch(async (error) => {
    await knex.destroy();
    throw error;
  });

  const names = new WeakMap<Statement<unknown>, string>();
  async function run<Row>(
    connection: pg.Client,
    statement: Statement<Row>,
    values: Record<string, Value>,
  ): Promise<Row[]> {
    const query = { text: statement.sql, values: valuesOf(statement, values) };
    if (statement.planEachTime) return (await connection.query(query)).rows;
    let name = names.get(statement);
    if (!name) {
      name = createHash("sha256").update(statement.sql).digest("base64url");
      names.set(statement, name);
    }
    return (await connection.query({ ...query, name })).rows;
  }

  async function runSteps(connection: pg.Client, steps: Step[]): Promise<WriteResult> {
    const rows: unknown[][] = [];
    if (steps.length > 1) await connection.query("begin");
    for (const [index, step] of steps.entries()) {
      const returned = await run(connection, step.statement, step.values).catch(async (error) => {
        if (steps.length > 1 && isHealthy(error)) await connection.query("rollback");
        throw error;
      });
      if (returned.length === 0) {
        if (steps.length > 1) await connection.query("rollback");
        return { refusedAt: index };
      }
      rows.push(returned);
    }
    if (steps.length > 1) await connection.query("commit");
    return { rows };
  }

  const readVersion = statementOf<{ version: number }>(knex.raw(versionTable.read));
  return {
    dialect: "postgres",
    knex,
    search: createSearch(knex, searchWindow),
    prepare: statementOf,
    read: (statement, values) => onConnection((connection) => run(connection, statement, values)),
    write: (steps) => onConnection((connection) => runSteps(connection, steps)),
    async session(work) {
      const connection: PooledConnection = await knex.client.acquireConnection();
      try {
        await connection.query("set statement_timeout = 0");
        return await work((statement, values = {}) => run(connection, statement, values));
      } finally {
        // Whatever it has set or left open ends with it.
        connection.__knex__disposed = true;
        await connection.end();
        knex.client.releaseConnection(connection);
      }
    },
    rateLimitStore: { query: (query) => onConnection((connection) => connection.query(query)) },
    pool() {
      const { pool } = knex.client;
      return { used: pool.numUsed(), idle: pool.numFree(), waiting: pool.numPendingAcquires() };
    },
    async ping() {
      const [row] = await onConnection((connection) => run(connection, readVersion, {}));
      if (!row || row.version < newestVersion) throw new UnavailableError("migrations are pending");
    },
    close: () => knex.destroy(),
  };
}

/** @param window how many customers of a list are compared one by one before the index is asked */
function createSearch(knex: Knex, window: number): Search {
  const contains = "(strpos(email, ?) > 0 or strpos(folded_name, ?) > 0)";
  const text = [":text", ":text"];
  return {
    columnsOf: () => ({}),
    // What is common fills the page with the next customers of the list, and a status that few have
    // ends there: for both, the index would go through all customers. The rest it finds.
    query(list, columns) {
      const next = list().select("*").orderByRaw("id desc limit ?", [window]);
      const near = knex("next")
        .select(columns)
        .whereRaw(contains, text)
        .orderByRaw("id desc limit ?", [":rows"]);
      /** The last of the next ones, where neither the list nor the page ends with them. */
      const rest = knex("next")
        .select("id")
        .whereRaw("(select count(*) from next) = ?", [window])
        .whereRaw("(select count(*) from near) < ?", [":rows"])
        .orderByRaw("id limit 1");
      const oldest = knex("customers")
        .select("id")
        .where("company_id", ":companyId")
        .orderByRaw("id limit 1");
      const newest = knex("next").select("id").orderByRaw("id desc limit 1");
      const found = knex("rest").select(
        knex.raw("search_newest(?, ?, ?::bigint[], ?, id, ?, ?, ?, ?)", [
          ":companyId",
          ":text",
          ":grams",
          newest,
          knex("oldest").select("id"),
          ":status",
          window,
          ":rows",
        ]),
      );
      const far = list().select(columns).whereRaw("id = any(array(?))", [found]);
      return knex
        .withMaterialized("next", next)
        .withMaterialized("near", near)
        .withMaterialized("rest", rest)
        .withMaterialized("oldest", oldest)
        .withMaterialized("far", far)
        .select(columns)
        .from("near")
        .unionAll(knex("far").select(columns))
        .orderByRaw("id desc limit ?", [":rows"]);
    },
    valuesOf: ({ text, grams }) => ({ text, grams: `{${grams.map(codeOf).join()}}` }),
  };
}

/** A gram as the database's search_grams() has it: 21 bits for each code point, and a sign for two. */
function codeOf(gram: string): bigint {
  const codes = [...gram].map((character) => BigInt(character.codePointAt(0) as number));
  const joined = codes.reduce((before, code) => (before << 21n) | code, 0n);
  return codes.length === 2 ? joined - 2n ** 63n : joined;
}

/** Whether the connection can be used again after this error: the server answered, and in words. */
function isHealthy(error: unknown): boolean {
  return error instanceof pg.DatabaseError && !/^(08|57P)/.test(String(error.code));
}

function asUnavailable(error: unknown): unknown {
  if (error instanceof UnavailableError || error instanceof TypeError) return error;
  const isAnswer = error instanceof pg.DatabaseError;
  if (isAnswer && !unavailableStates.test(String(error.code))) return error;
  return new UnavailableError("PostgreSQL", { cause: error });
}
