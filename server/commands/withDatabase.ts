import { readConfig } from "../config.ts";
import { type ConnectOptions, connectDatabase } from "../database/connect.ts";
import { explainConnectError } from "../database/connectError.ts";
import type { Database } from "../database/database.ts";
import { describeUrl } from "../database/describeUrl.ts";
import { named } from "../database/statement.ts";
import { CommandError } from "../errors.ts";
import { UsageError } from "./usageError.ts";

/**
 * Runs a command on the database of the environment, and closes it afterwards. Standard error says which
 * database that is: the environment of a shell is often not that of the server.
 * @throws {CommandError} when there is no such database
 */
export async function withDatabase<Result>(run: (database: Database) => Promise<Result>): Promise<Result> {
  const { database: options } = readConfig(process.env);
  console.error(`Database: ${describeUrl(options.url)}`);
  const database = await openDatabase(options);
  return run(database).finally(() => database.close());
}

/**
 * Opens a database that exists.
 * @throws {CommandError} when there is none, or it cannot be reached
 */
export async function openDatabase(options: ConnectOptions): Promise<Database> {
  return connectDatabase({ ...options, mustExist: true }).catch((error) => {
    throw new CommandError(explainConnectError(options.url, error), { cause: error });
  });
}

/**
 * The id of a company.
 * @throws {UsageError} when there is no such company
 */
export async function findCompany({ knex, prepare, read }: Database, slug: string): Promise<string> {
  const [company] = await read(
    prepare<{ id: string }>(knex("companies").select("id").where("slug", named("slug"))),
    { slug },
  );
  if (!company) throw new UsageError(`There is no company ${slug}; \`distribu companies list\` shows all`);
  return company.id;
}
