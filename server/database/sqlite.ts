/** SQLite through better-sqlite3: one connection a process, which only its event loop uses. */
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type SqliteConnection from "better-sqlite3";
import createKnex from "knex";
import { positionOf } from "../customerIds.ts";
import { UnavailableError } from "../errors.ts";
import {
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
import { addGrams, type Search } from "./search.ts";

/** How long the start waits for another process that migrates or holds the write lock. */
const startPatienceInMilliseconds = 30_000;

/** How long a write that has succeeded shows that the next one can. */
const probeIntervalInMilliseconds = 100;

/** What a full, read-only, damaged, missing or locked file looks like: it may be repaired under us. */
const unavailable =
  /^SQLITE_(BUSY|LOCKED|FULL|IOERR|READONLY|CORRUPT|NOTADB|CANTOPEN|PROTOCOL|NOMEM|PERM|AUTH)/;

interface PendingWrite {
  steps: Step[];
  /** Of the clock that nobody sets: performance.now(). */
  deadline: number;
  resolve(result: WriteResult): void;
  reject(error: unknown): void;
}

/**
 * Opens a SQLite database and brings it to the newest migration.
 * @param file a path, or `:memory:`
 */
export async function connectSqlite(file: string): Promise<Database> {
  if (file !== ":memory:") mkdirSync(dirname(file), { recursive: true });
  const knex = createKnex({
    client: "better-sqlite3",
    connection: { filename: file },
    useNullAsDefault: true,
  });
  const connection: SqliteConnection.Database = await knex.client.acquireRawConnection();
  connection.pragma(`busy_timeout = ${startPatienceInMilliseconds}`);
  connection.pragma("journal_mode = WAL");
  // NORMAL could lose acknowledged writes when the power fails.
  connection.pragma("synchronous = FULL");
  connection.pragma("foreign_keys = ON");

  connection.function("search_grams", { deterministic: true }, searchTokens as never);

  connection
    .transaction(() => {
      connection.exec(versionTable.create);
      for (const sql of pendingStatements(knex, "sqlite", appliedVersion())) connection.exec(sql);
    })
    .immediate();
  // SQLite would wait for a lock by blocking the event loop, and with it the requests that need
  // no lock. We wait ourselves.
  connection.pragma("busy_timeout = 0");

  const prepared = new Map<string, Prepared>();
  const begin = connection.prepare("begin immediate");
  const commit = connection.prepare("commit");
  const rollback = connection.prepare("rollback");
  const savepoint = connection.prepare("savepoint step");
  const release = connection.prepare("release step");
  const rollbackStep = connection.prepare("rollback to step");
  const readVersion = statementOf<{ version: number }>(knex.raw(versionTable.read));
  const rewriteVersion = statementOf(knex.raw(versionTable.rewrite));
  let pending: PendingWrite[] = [];
  /** When a write has last succeeded. */
  let committedAt = Number.NEGATIVE_INFINITY;

  function appliedVersion(): number {
    return (connection.prepare(versionTable.read).get() as { version: number }).version;
  }

  function run<Row>(statement: Statement<Row>, values: Record<string, Value>): Row[] {
    let kept = prepared.get(statement.sql);
    if (!kept) {
      kept = preparedOf(connection.prepare(statement.sql));
      prepared.set(statement.sql, kept);
    }
    return kept(valuesOf(statement, values)) as Row[];
  }

  /** All steps within the open transaction, or none of them. */
  function runSteps(steps: Step[]): WriteResult {
    const rows: unknown[][] = [];
    if (steps.length > 1) savepoint.run();
    for (const [index, step] of steps.entries()) {
      const returned = run(step.statement, step.values);
      if (returned.length === 0) {
        if (steps.length > 1) {
          rollbackStep.run();
          release.run();
        }
        return { refusedAt: index };
      }
      rows.push(returned);
    }
    if (steps.length > 1) release.run();
    return { rows };
  }

  /**
   * Writes everything that waits in one transaction: one lock and one fsync for all of it, each
   * with its own result. An answer is given only after the commit. Sixteen clients that create or update
   * take two thirds of the CPU time of a commit each, and get nearly twice as much done.
   */
  function writePending(): void {
    const batch = pending;
    pending = [];
    try {
      begin.run();
    } catch (error) {
      waitForLock(batch, error);
      return;
    }
    try {
      const results = batch.map((write) => runSteps(write.steps));
      commit.run();
      committedAt = performance.now();
      for (const [index, write] of batch.entries()) write.resolve(results[index] as WriteResult);
    } catch (error) {
      if (connection.inTransaction) rollback.run();
      // Nothing was committed. Each is tried by itself, so that only those fail that must.
      for (const write of batch) {
        if (batch.length === 1) write.reject(asUnavailable(error));
        else writeAlone(write);
      }
    }
  }

  function waitForLock(batch: PendingWrite[], error: unknown): void {
    const now = performance.now();
    for (const write of batch) {
      if (isBusy(error) && now < write.deadline) pending.push(write);
      else write.reject(asUnavailable(error));
    }
    if (pending.length > 0) setTimeout(writePending, 1 + Math.random() * 10);
  }

  function writeAlone(write: PendingWrite): void {
    const others = pending;
    pending = [write];
    writePending();
    pending.push(...others);
  }

  function write(steps: Step[]): Promise<WriteResult> {
    return new Promise((resolve, reject) => {
      // After the requests that are being read now, so that their writes share the transaction.
      if (pending.length === 0) setImmediate(writePending);
      pending.push({
        steps,
        deadline: performance.now() + patienceInMilliseconds,
        resolve,
        reject,
      });
    });
  }

  function asUnavailable(error: unknown): unknown {
    const code = String((error as { code?: string }).code);
    if (!unavailable.test(code)) return error;
    // Pages that were read from a damaged file are not kept: it may be repaired under us.
    if (/^SQLITE_(CORRUPT|NOTADB|IOERR)/.test(code)) connection.pragma("shrink_memory");
    return new UnavailableError(code, { cause: error });
  }

  async function read<Row>(statement: Statement<Row>, values: Record<string, Value>): Promise<Row[]> {
    const deadline = performance.now() + patienceInMilliseconds;
    for (;;) {
      try {
        return run(statement, values);
      } catch (error) {
        if (!isBusy(error) || performance.now() >= deadline) throw asUnavailable(error);
        await sleep(1 + Math.random() * 10);
      }
    }
  }

  return {
    dialect: "sqlite",
    knex,
    search,
    prepare: statementOf,
    read,
    write,
    async session(work) {
      connection.pragma(`busy_timeout = ${startPatienceInMilliseconds}`);
      try {
        return await work(async (statement, values = {}) => run(statement, values));
      } finally {
        if (connection.inTransaction) rollback.run();
        connection.pragma("busy_timeout = 0");
      }
    },
    async ping() {
      const [row] = await read(readVersion, {});
      if (!row || row.version < newestVersion) throw new UnavailableError("migrations are pending");
      // A file may be readable and yet locked, read-only or without space: only a write tells. Nobody
      // who asks all the time shall make the disk busy.
      if (performance.now() - committedAt > probeIntervalInMilliseconds)
        await write([{ statement: rewriteVersion, values: {} }]);
    },
    async close() {
      connection.close();
      await knex.destroy();
    },
  };
}

/** Runs a statement with the values of its placeholders; returns its rows, none where it reads nothing. */
type Prepared = (values: unknown[]) => unknown[];

/**
 * Makes the rows itself, each a copy of an empty one: better-sqlite3 sets them property by property, and
 * takes half as much time again for a page (124 to 84 microseconds for 51 customers).
 */
function preparedOf(statement: SqliteConnection.Statement): Prepared {
  if (!statement.reader) {
    return (values) => {
      statement.run(...values);
      return [];
    };
  }
  statement.raw();
  const names = statement.columns().map(({ name }) => name);
  const empty: Record<string, unknown> = Object.fromEntries(names.map((name) => [name, null]));
  const rowOf = (values: unknown[]) => {
    const row = { ...empty };
    for (const [index, name] of names.entries()) row[name] = values[index];
    return row;
  };
  return (values) => (statement.all(...values) as unknown[][]).map(rowOf);
}

/** A text's characters as they stand in a token: code points, as the tokenizer splits at all but letters and digits. */
function codesOf(text: string): string[] {
  return [...text].map((character) => (character.codePointAt(0) as number).toString(16));
}

/** One token of the index; the company comes first in each, as in every key. */
function tokenOf(companyId: string, kind: "g" | "s", text: string): string {
  return companyId.slice(-8) + kind + codesOf(text).join("x");
}

/** What the triggers put into the index for a customer. */
function searchTokens(companyId: string, email: string, foldedName: string | null, status: string): string {
  // Grams of codes and not codes of grams: each character is written as its code once (54 to 24 microseconds).
  const grams = new Set<string>();
  addGrams(grams, codesOf(email), "x");
  addGrams(grams, codesOf(foldedName ?? ""), "x");
  const start = tokenOf(companyId, "g", "");
  return `${tokenOf(companyId, "s", status)} ${start}${[...grams].join(` ${start}`)}`;
}

const search: Search = {
  columnsOf: (customerId) => ({ position: positionOf(customerId) }),
  query: (list, columns) =>
    list()
      .select(columns)
      .join("customers_search", "customers_search.rowid", "customers.position")
      .whereRaw("customers_search match ?", [":tokens"])
      .where("customers_search.rowid", "<=", ":position")
      .whereRaw("(instr(email, ?) > 0 or instr(folded_name, ?) > 0)", [":text", ":text"])
      // The order of the ids too, but in this one the index streams, and ends with the page.
      .orderByRaw("customers_search.rowid desc limit ?", [":rows"]),
  valuesOf: ({ companyId, text, grams, status, cursor }) => ({
    text,
    tokens: [
      ...(status ? [tokenOf(companyId, "s", status)] : []),
      ...grams.map((gram) => tokenOf(companyId, "g", gram)),
    ].join(" "),
    position: cursor ? positionOf(cursor) : 2n ** 63n - 1n,
  }),
};

function isBusy(error: unknown): boolean {
  return /^SQLITE_BUSY/.test(String((error as { code?: string }).code));
}
