/** PostgreSQL through pg, with Knex's connection pool. */
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
import { type ConnectOptions, defaultSearchWindow, timeoutInMilliseconds } from "./connect.ts";
import type { BoundStatement, Database, ReadOptions, Statement, Values } from "./database.ts";
import { describeUrl } from "./describeUrl.ts";
import { buildMigrations, newestVersion, versionTable } from "./migrate.ts";
import { asUnavailable, isHealthy } from "./postgresErrors.ts";
import { assertRoleSettings, sessionSettings } from "./postgresSettings.ts";
import { inTransaction } from "./postgresTransaction.ts";
import { createPostgresWrites } from "./postgresWrites.ts";
import { bindValues, prepareStatement } from "./statement.ts";

/** The advisory lock under which migrations run: an arbitrary number, the same in all processes. */
const migrationLock = 7_216_305_118;

/** How long startup waits for another process that is migrating. */
const migrationTimeoutInMilliseconds = 600_000;

/** How many statements may wait for a connection; a further one fails at once. */
const maxPendingAcquires = 256;

/** While at least this many wait, the database counts as busy: one that waits for 1.5 s fails. */
const busyPendingAcquires = 32;

/** Knex discards a pooled connection with this property, such as one that failed during a statement. */
type PooledConnection = pg.Client & { __knex__disposed?: unknown };

/**
 * Opens a PostgreSQL database and applies pending migrations.
 * @throws {UnavailableError} when it cannot be reached
 * @throws {MissingDatabaseError} when it must exist and lacks our tables
 * @throws {SchemaError} when its schema is unknown, or its encoding is not UTF-8
 */
export async function connectPostgres(options: ConnectOptions): Promise<Database> {
  const { url, poolSize = 10, statementTimeoutInMilliseconds = timeoutInMilliseconds } = options;
  const { searchWindow = defaultSearchWindow, pooler = false, mustExist = false, warn = () => {} } = options;
  // Knex passes on options that its own types lack.
  const connection = {
    connectionString: url,
    connectionTimeoutMillis: timeoutInMilliseconds,
    // Poolers reject parameters in the startup packet.
    ...(!pooler && {
      application_name: "distribu-customers-api",
      statement_timeout: statementTimeoutInMilliseconds,
    }),
    keepAlive: true,
    // All our bigints are times in milliseconds or counts, which fit in a number.
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
    // Knex would also print the errors that it throws.
    log: { warn() {}, error() {}, deprecate() {}, debug() {} },
  });
  const { pool } = knex.client;

  async function onConnection<Result>(
    work: (connection: pg.Client) => Promise<Result>,
    milliseconds = statementTimeoutInMilliseconds,
  ): Promise<Result> {
    if (pool.numPendingAcquires() >= maxPendingAcquires)
      throw new UnavailableError(`${maxPendingAcquires} statements are waiting for a connection`);
    let connection: PooledConnection;
    try {
      connection = await knex.client.acquireConnection();
    } catch (error) {
      // Knex's message blames its caller.
      if ((error as Error).name === "KnexTimeoutError")
        throw new UnavailableError(
          `no connection within ${timeoutInMilliseconds} ms: PostgreSQL does not respond, or all ${poolSize} connections of the pool are in use`,
        );
      throw asUnavailable(error);
    }
    // PostgreSQL cancels slow statements itself, unless it is frozen or the network is down.
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
        `The database's encoding is ${encoding}, which cannot store all text. Create the database with encoding 'UTF8'.`,
      );
    if (pooler) await assertRoleSettings(connection, statementTimeoutInMilliseconds);
    // Locks and settings are transaction-scoped, because a pooler may run the next transaction in another session.
    await connection.query("begin; set local statement_timeout = 0");
    await connection.query("select pg_advisory_xact_lock($1)", [migrationLock]);
    await connection.query(versionTable.create);
    const { rows: applied } = await connection.query(versionTable.readAll);
    for (const sql of buildMigrations(knex, "postgres", applied)) await connection.query(sql);
    await connection.query("commit");
    const { trigrams } = (await connection.query("select show_trgm('żółć') as trigrams")).rows[0];
    if (trigrams.length === 0)
      warn(
        "The database's LC_CTYPE supports only ASCII letters, so a search for other letters reads every customer of the company. Create the database with LC_CTYPE C.UTF-8.",
      );
  }, migrationTimeoutInMilliseconds).catch(async (error) => {
    await knex.destroy();
    throw error;
  });

  const names = new WeakMap<Statement<unknown>, string>();
  async function runBound(connection: pg.Client, { statement, values }: BoundStatement): Promise<unknown[]> {
    const query = { text: statement.sql, values };
    // Named statements belong to a session, which a pooler shares between clients.
    if (statement.planEachTime || pooler) return (await connection.query(query)).rows;
    let name = names.get(statement);
    if (!name) {
      name = createHash("sha256").update(statement.sql).digest("base64url");
      names.set(statement, name);
    }
    return (await connection.query({ ...query, name })).rows;
  }

  // The driver's rows are untyped; these are the rows of the statement.
  const run = <Row>(connection: pg.Client, statement: Statement<Row>, values: Values) =>
    runBound(connection, { statement, values: bindValues(statement, values) }) as Promise<Row[]>;

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
        throw isTimeout
          ? new StatementTimeoutError("PostgreSQL cancelled the statement", { cause: error })
          : error;
      });
    });
  }

  const write = createPostgresWrites({ onConnection, run: runBound, poolSize });
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
          "This command needs its own session: use PostgreSQL's address instead of the pooler's, without DATABASE_POOLER",
        );
      const connection: PooledConnection = await knex.client.acquireConnection();
      try {
        await connection.query("set statement_timeout = 0");
        return await work((statement, values = {}) => run(connection, statement, values));
      } finally {
        // Closing the connection discards its settings and open transactions.
        connection.__knex__disposed = true;
        await connection.end();
        knex.client.releaseConnection(connection);
      }
    },
    pool: () => ({ used: pool.numUsed(), idle: pool.numFree(), waiting: pool.numPendingAcquires() }),
    isBusy: () => pool.numPendingAcquires() >= busyPendingAcquires,
    async ping() {
      const [row] = await onConnection((connection) => run(connection, readVersion, {}));
      if (!row || row.version < newestVersion) throw new UnavailableError("migrations are pending");
    },
    close: () => knex.destroy(),
  };
}
