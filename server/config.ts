/** Reads the settings: from the environment, or from the options of `createCustomersApi`. */
import { readFileSync } from "node:fs";
import type { ConnectOptions } from "./database/connect.ts";
import type { LogFormat } from "./log.ts";
import { variables } from "./variables.ts";

type Variable = keyof typeof variables;
type ValueOf<Name extends Variable> = NonNullable<ReturnType<(typeof variables)[Name]["parse"]>>;

/** Variables that belong to the application that mounts the API. */
const hostVariables = [
  "PORT",
  "HOST",
  "METRICS_PORT",
  "TRUST_PROXY",
  "KEEP_ALIVE_TIMEOUT",
  "WORKERS",
] as const;
type OptionVariable = Exclude<Variable, (typeof hostVariables)[number]>;

type CamelCase<Name extends string> = Name extends `${infer First}_${infer Rest}`
  ? `${Lowercase<First>}${Capitalize<CamelCase<Rest>>}`
  : Lowercase<Name>;

/** The environment variables as options, except those of the host application: `DATABASE_URL` is `databaseUrl`. */
export type Options = { [Name in OptionVariable as CamelCase<Name>]?: ValueOf<Name> | string | undefined };

/** The settings of the API itself. */
export interface ApiConfig {
  database: ConnectOptions;
  logLevel: string;
  logFormat: LogFormat;
  /** The public URL of the server, without `/api/v1`. */
  publicUrl: string | false;
  /** Requests per minute for each key; 0 for no limit. */
  requestsPerMinute: number;
  /** The maximum number of customers of a company. */
  maxCustomersPerCompany: number | false;
  /** Days after which audit trail entries are deleted. */
  auditRetentionDays: number | false;
  /** One in this many responses is compared with the contract; 0 for none. */
  driftCheckOneIn: number;
  /** Origins whose pages may call the API from a browser. */
  corsOrigins: string[] | false;
}

/** The settings of the API and of the server around it. */
export interface Config extends ApiConfig {
  port: number;
  host: string;
  /** The port of the metrics. */
  metricsPort: number | false;
  /** Express's `trust proxy`. */
  trustProxy: number | string[] | false;
  keepAliveTimeoutInSeconds: number;
  /** Number of server processes; with 1, this process itself is the server. */
  workers: number;
  isProduction: boolean;
}

const nodeEnvironments = ["production", "development", "test"];

/** Names all invalid settings, one per line. */
export class ConfigError extends Error {}

/**
 * Reads the environment. An empty variable counts as unset.
 * @throws {ConfigError} if a variable is invalid or a required one is missing
 */
export function readConfig(environment: NodeJS.ProcessEnv): Config {
  const isProduction = environment.NODE_ENV === "production";
  return buildConfig(
    (name) => environment[name] || undefined,
    String,
    (read, problems) => {
      const config = {
        port: read("PORT"),
        host: read("HOST"),
        metricsPort: read("METRICS_PORT"),
        trustProxy: read("TRUST_PROXY"),
        keepAliveTimeoutInSeconds: read("KEEP_ALIVE_TIMEOUT"),
        workers: read("WORKERS"),
        ...readApiConfig(read, problems),
        isProduction,
      };
      // Otherwise NODE_ENV=prod would start a server with demo data.
      if (environment.NODE_ENV && !nodeEnvironments.includes(environment.NODE_ENV))
        problems.push(
          `NODE_ENV=${environment.NODE_ENV} is not valid. Use ${nodeEnvironments.join(", ")}; unset means development.`,
        );
      if (isProduction && !environment.DATABASE_URL && !environment.DATABASE_URL_FILE)
        problems.push(
          `DATABASE_URL or DATABASE_URL_FILE is required in production. ${variables.DATABASE_URL.description}`,
        );
      if (config.workers > 1 && config.database.url === "sqlite::memory:")
        problems.push("WORKERS must be 1 with sqlite::memory:, which processes cannot share.");
      return config;
    },
  );
}

/**
 * Reads the options of `createCustomersApi`. An undefined option counts as not given.
 * @throws {ConfigError} if an option is invalid or unknown
 */
export function readOptions(options: Options): ApiConfig {
  const given = new Map(Object.entries(options));
  const optionVariables = (Object.keys(variables) as Variable[]).filter(
    (name) => !(hostVariables as readonly Variable[]).includes(name),
  );
  const known = new Set(optionVariables.map(camelCase));
  return buildConfig(
    (name) => {
      const value = given.get(camelCase(name));
      return value === undefined || value === "" ? undefined : value === false ? "off" : String(value);
    },
    camelCase,
    (read, problems) => {
      for (const name of given.keys()) if (!known.has(name)) problems.push(`Unknown option ${name}.`);
      return readApiConfig(read, problems);
    },
  );
}

type Read = <Name extends Variable>(name: Name) => ValueOf<Name>;

function readApiConfig(read: Read, problems: string[]): ApiConfig {
  const [url, file] = [read("DATABASE_URL"), read("DATABASE_URL_FILE")];
  return {
    database: {
      url: file === false ? url : readDatabaseUrl(file, problems),
      poolSize: read("DATABASE_POOL_SIZE"),
      pooler: read("DATABASE_POOLER"),
      statementTimeoutInMilliseconds: read("DATABASE_STATEMENT_TIMEOUT"),
    },
    logLevel: read("LOG_LEVEL"),
    logFormat: read("LOG_FORMAT"),
    publicUrl: read("PUBLIC_URL"),
    requestsPerMinute: read("RATE_LIMIT_PER_MINUTE"),
    maxCustomersPerCompany: read("MAX_CUSTOMERS_PER_COMPANY"),
    auditRetentionDays: read("AUDIT_RETENTION_DAYS"),
    driftCheckOneIn: read("DRIFT_CHECK_ONE_IN"),
    corsOrigins: read("CORS_ORIGINS"),
  };
}

/** Reads the database URL from a file. Adds a problem if the file is unreadable or contains anything else. */
function readDatabaseUrl(file: string, problems: string[]): string {
  try {
    const url = variables.DATABASE_URL.parse(readFileSync(file, "utf8").trim());
    if (url !== undefined) return url;
    problems.push(`${file} does not contain a database URL. ${variables.DATABASE_URL.description}`);
  } catch (error) {
    problems.push(`The DATABASE_URL_FILE ${file} cannot be read: ${(error as NodeJS.ErrnoException).code}`);
  }
  return "";
}

/**
 * Builds a configuration from validated settings.
 * @param getText returns the text of a setting, or undefined for its default
 * @param formatName returns the name of a setting in its source
 * @throws {ConfigError} with all problems that `build` and the parsers found
 */
function buildConfig<Result>(
  getText: (name: Variable) => string | undefined,
  formatName: (name: Variable) => string,
  build: (read: Read, problems: string[]) => Result,
): Result {
  const problems: string[] = [];
  const config = build((name) => {
    const { default: defaultText, description, parse } = variables[name];
    const text = getText(name);
    const value = parse(text ?? defaultText);
    if (value === undefined)
      problems.push(`${formatName(name)}=${hidePassword(text)} is not valid. ${description}`);
    return value as ValueOf<typeof name>;
  }, problems);
  if (problems.length > 0) throw new ConfigError(problems.join("\n"));
  return config;
}

function camelCase(name: Variable): string {
  return name.toLowerCase().replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
}

/** Hides the user and password of a database URL: error messages end up in logs. */
function hidePassword(text = ""): string {
  return text.replace(/^.*@/s, "***@");
}
