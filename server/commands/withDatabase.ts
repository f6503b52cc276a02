import { readConfig } from "../config.ts";
import { type ConnectOptions, connectDatabase } from "../database/connect.ts";
import { explainConnectError } from "../database/connectError.ts";
import type { Database } from "../database/database.ts";
import { describeUrl } from "../database/describeUrl.ts";
import { named } from "../database/statement.ts";
import { CommandError } from "../errors.ts";
import { UsageError } from "./usageError.ts";

/**
 * Runs a command on the configured database, and closes the database afterwards. Prints to standard error which
 * database it is, because the environment of a shell often differs from that of the server.
 * @throws {CommandError} if the database does not exist
 */
export async function withDatabase<Result>(run: (database: Database) => Promise<Result>): Promise<Result> {
  const { database: options } = readConfig(process.env);
  console.error(`Database: ${describeUrl(options.url)}`);
  const database = await openDatabase(options);
  return run(database).finally(() => database.close());
}

/**
 * Opens an existing database.
 * @throws {CommandError} if it does not exist or cannot be reached
 */
export async function openDatabase(options: ConnectOptions): Promise<Database> {
  return connectDatabase({ ...options, mustExist: true }).catch((error) => {
    throw new CommandError(explainConnectError(options.url, error), { cause: error });
  });
}

/**
 * Finds the ID of a company.
 * @throws {UsageError} if the company does not exist
 */
export async function findCompany({ knex, prepare, read }: Database, slug: string): Promise<string> {
  const [company] = await read(
    prepare<{ id: string }>(knex("companies").select("id").where("slug", named("slug"))),
    { slug },
  );
  if (!company) throw new UsageError(`There is no company ${slug}; \`distribu companies list\` lists all`);
  return company.id;
}
