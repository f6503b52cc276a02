/** Determines whose database a SQLite file is: our tables must not be added to the file of another program. */
import type SqliteConnection from "better-sqlite3";

/**
 * The `application_id` of our SQLite databases, "DCUS" in ASCII; programs such as `file` use it to tell formats apart.
 */
export const applicationId = 0x44_43_55_53;

export type Owner = "nobody" | "us" | "another program";

/**
 * Finds out whose database it is, without writing to it. A database restored from an SQL dump has no application ID, so
 * our table of migrations is sufficient.
 */
export function findOwner(connection: SqliteConnection.Database): Owner {
  const read = (name: string) => connection.pragma(name, { simple: true });
  const find = (): Owner => {
    const id = read("application_id");
    if (id !== 0 && id !== applicationId) return "another program";
    const columns = (connection.pragma("table_info(migrations)") as { name: string }[]).map(
      ({ name }) => name,
    );
    // Other programs also have a table of this name, with other columns.
    if (columns.includes("version") && columns.includes("applied_at")) return "us";
    const any = connection.prepare("select 1 from sqlite_schema where name not like 'sqlite^_%' escape '^'");
    return any.get() === undefined && read("user_version") === 0 ? "nobody" : "another program";
  };
  // In a transaction: another server may be creating our tables.
  return connection.transaction(find)();
}
