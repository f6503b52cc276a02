/** Prepares statements of better-sqlite3. */
import type SqliteConnection from "better-sqlite3";

/** Runs a statement with the values of its placeholders. Returns its rows; none if the statement returns nothing. */
export type SqliteRunner = (values: unknown[]) => unknown[];

/** Prepares a statement. */
export function prepareRunner(connection: SqliteConnection.Database, sql: string): SqliteRunner {
  const statement = connection.prepare(hideValues(sql));
  if (statement.reader) return (values) => statement.all(...values);
  return (values) => {
    statement.run(...values);
    return [];
  };
}

/**
 * Hides the values of placeholders from SQLite's planner. Otherwise SQLite prepares a statement again for each new
 * value of a `limit`, and in many joins and ranges, which takes several times as long as running it (12 instead of 1.2
 * microseconds for a row by key with a `limit`). SQLite's own option, `SQLITE_DBCONFIG_ENABLE_QPSG`, is not available
 * in better-sqlite3. No statement has a question mark in a literal.
 * @see https://www.sqlite.org/queryplanner-ng.html#qpsg
 */
function hideValues(sql: string): string {
  return sql.replaceAll("?", "+?");
}
