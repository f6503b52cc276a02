/** PostgreSQL through pg, with a pool of connections that Knex keeps. */
import { createHash } from "node:crypto";
import createKnex from "knex";
import pg from "pg";
import {
  CommandError,
  MissingDatabaseError,
  SchemaError,
  StatementTimeoutError,
  UnavailableError,
} from "../errors.ts";
import { type ConnectOptions, timeoutInMilliseconds } from "./connect.ts";
import type { Database, ReadOptions, RowsOf, Statement, Step, Values, WriteResult } from "./database.ts";
import { describeUrl } from "./describeUrl.ts";
import { buildMigrations, newestVersion, versionTable } from "./migrate.ts";
import { asUnavailable, FailedStep, isHealthy } from "./postgresErrors.ts";
import { assertRoleSettings, sessionSettings } from "./postgresSettings.ts";
import { bindValues, prepareStatement } from "./statement.ts";

/** Any number, but the same in all processes: the lock under which migrations run. */
const migrationLock = 7_216_305_118;

/** How long the start waits for another process that migrates. */
const migrationTimeoutInMilliseconds = 600_000;

/** Knex discards a pooled connection with this mark, as one that has failed in the middle. */
type PooledConnection = pg.Client & { __knex__disposed?: unknown };

/**
 * Opens a PostgreSQL database and applies the migrations that it lacks.
 * @throws {UnavailableError} when it cannot be reached
 * @throws {MissingDatabaseError} when it must exist and has no tables of ours
 * @throws {SchemaError} when its schema is not ours, or its encoding is not UTF-8
 */
export async function connectPostgres(options: ConnectOptions): Promise<Database> {
  const { url, poolSize = 10, statementTimeoutInMilliseconds = timeoutInMilliseconds } = options;
  const { searchWindow = 4_000, pooler = false, mustExist = false, warn = () => {} } = options;
  // Knex passes on what its own type does not know.
  const connection = {
    connectionString: url,
    connectionTimeoutMillis: timeoutInMilliseconds,
    // A pooler takes no parameters at the start of a connection.
    ...(!pooler && {
      application_name: "distribu-customers-api",
      statement_timeout: statementTimeoutInMilliseconds,
    }),
    keepAlive: true,
    // Every bigint of ours is a time in milliseconds, and fits.
    types: {
      getTypeParser: (oid: number, format?: string) =>
        oid === 20 ? Number : pg.types.getTypeParser(oid, format === "binary" ? format : "text"),
    },
  } satisfies pg.ClientConfig;
  const knex = createKnex({
    client: "pg",
    connection,
    pool: {
      min: 0,
      max: poolSize,
      ...(!pooler && {
        afterCreate(created: pg.Client, done: (error: Error | null, connection: pg.Client) => void) {
          created.query(sessionSettings, (error) => done(error, created));
        },
      }),
    },
    acquireConnectionTimeout: timeoutInMilliseconds,
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
    // The server cancels a statement by itself, unless it is frozen or the network is gone.
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new UnavailableError("no response")), milliseconds + 100);
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
    const { encoding, tables } = (
      await connection.query(
        "select current_setting('server_encoding') as encoding, to_regclass('migrations') as tables",
      )
    ).rows[0];
    if (mustExist && tables === null)
      throw new MissingDatabaseError(`There is no database at ${describeUrl(url)}`);
    if (encoding !== "UTF8")
      throw new SchemaError(
        `The database's encoding is ${encoding}; create it with encoding 'UTF8', or not all text can be stored.`,
      );
    if (pooler) await assertRoleSettings(connection, statementTimeoutInMilliseconds);
    // All locks and settings are those of the transaction, as a pooler may hand the next one to another session.
    await connection.query("begin");
    await connection.query("set local statement_timeout = 0");
    await connection.query("select pg_advisory_xact_lock($1)", [migrationLock]);
    await connection.query(versionTable.create);
    const { rows: applied } = await connection.query(versionTable.readAll);
    for (const sql of buildMigrations(knex, "postgres", applied)) await connection.query(sql);
    await connection.query("commit");
    const { trigrams } = (await connection.query("select show_trgm('żółć') as trigrams")).rows[0];
    if (trigrams.length === 0)
      warn(
        "The database's LC_CTYPE knows ASCII letters only: a search for other letters reads every customer of the company. Create the database with LC_CTYPE C.UTF-8.",
      );
  }, migrationTimeoutInMilliseconds).catch(async (error) => {
    await knex.destroy();
    throw error;
  });

  const names = new WeakMap<Statement<unknown>, string>();
  async function run<Row>(connection: pg.Client, statement: Statement<Row>, values: Values): Promise<Row[]> {
    const query = { text: statement.sql, values: bindValues(statement, values) };
    // Named statements belong to a session, which a pooler gives to others.
    if (statement.planEachTime || pooler) return (await connection.query(query)).rows;
    let name = names.get(statement);
    if (!name) {
      name = createHash("sha256").update(statement.sql).digest("base64url");
      names.set(statement, name);
    }
    return (await connection.query({ ...query, name })).rows;
  }

  async function read<Row>(
    statement: Statement<Row>,
    values: Values,
    { timeoutInMilliseconds: timeout }: ReadOptions = {},
  ): Promise<Row[]> {
    return onConnection(async (connection) => {
      if (timeout === undefined) return run(connection, statement, values);
      const milliseconds = Math.min(Math.ceil(timeout), statementTimeoutInMilliseconds);
      return inTransaction(
        connection,
        `begin; set local statement_timeout = ${milliseconds}`,
        async () => await run(connection, statement, values),
      ).catch((error) => {
        const isTimeout = error instanceof pg.DatabaseError && error.code === "57014";
        throw isTimeout ? new StatementTimeoutError("PostgreSQL", { cause: error }) : error;
      });
    });
  }

  async function write<const Steps extends readonly Step[]>(steps: Steps): Promise<WriteResult<Steps>> {
    const rows: unknown[][] = [];
    const runAll = async (connection: pg.Client) => {
      for (const [index, { statement, values }] of steps.entries()) {
        const returned = await run(connection, statement, values);
        if (returned.length === 0) throw new FailedStep(index);
        rows.push(returned);
      }
    };
    try {
      await onConnection((connection) =>
        steps.length > 1 ? inTransaction(connection, "begin", () => runAll(connection)) : runAll(connection),
      );
    } catch (error) {
      if (error instanceof FailedStep) return { failedStep: error.index };
      throw error;
    }
    // The driver's rows have no type; these are of the statements of the steps.
    return { rows: rows as RowsOf<Steps> };
  }

  const readVersion = prepareStatement<{ version: number }>(knex.raw(versionTable.readNewest));
  return {
    dialect: "postgres",
    knex,
    searchWindow,
    prepare: prepareStatement,
    read,
    write,
    async session(work) {
      if (pooler)
        throw new CommandError(
          "This command needs a session of its own: give it PostgreSQL's own address, not the pooler's, and no DATABASE_POOLER",
        );
      const connection: PooledConnection = await knex.client.acquireConnection();
      try {
        await connection.query("set statement_timeout = 0");
        return await work((statement, values = {}) => run(connection, statement, values));
      } finally {
        // Whatever it has set or left open is gone with it.
        connection.__knex__disposed = true;
        await connection.end();
        knex.client.releaseConnection(connection);
      }
    },
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

/** Runs work between a begin and a commit; rolls it back where it fails. */
async function inTransaction<Result>(
  connection: pg.Client,
  begin: string,
  work: () => Promise<Result>,
): Promise<Result> {
  await connection.query(begin);
  try {
    const result = await work();
    await connection.query("commit");
    return result;
  } catch (error) {
    if (isHealthy(error)) await connection.query("rollback");
    throw error;
  }
}
