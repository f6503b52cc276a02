/**
 * The settings of the server. Each environment variable is described once, here; `createCustomersApi` takes
 * those that do not belong to its host application as options, named in camelCase and validated alike.
 */
import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import { availableParallelism } from "node:os";
import type { ConnectOptions } from "./database/connect.ts";

const logLevels = ["fatal", "error", "warn", "info", "debug", "trace", "silent"];

/** Each variable with its default as text, its description, and its parser: undefined for invalid text. */
export const variables = {
  PORT: {
    default: "3000",
    description: "TCP port to listen on, 0 to 65535; 0 picks a free one.",
    parse: (text: string) => integer(text, 0, 65_535),
  },
  HOST: {
    default: "127.0.0.1",
    description: "Address to listen on; 0.0.0.0 or :: for all addresses.",
    parse: (text: string) => text.trim() || undefined,
  },
  METRICS_PORT: {
    default: "off",
    description:
      "TCP port of /metrics, on the same address, 0 to 65535; 0 picks a free one; off disables it.",
    parse: (text: string) => (text === "off" ? false : integer(text, 0, 65_535)),
  },
  TRUST_PROXY: {
    default: "off",
    description:
      "Express's `trust proxy`, for the caller's address in X-Forwarded-For: the number of proxies in front of the server, 1 to 16, or their addresses and subnets, separated by commas.",
    parse: (text: string) => (text === "off" ? false : (integer(text, 1, 16) ?? list(text, isSubnet))),
  },
  KEEP_ALIVE_TIMEOUT: {
    default: "65",
    description:
      "Seconds after which an idle connection is closed, 1 to 3600; more than the idle timeout of the load balancer.",
    parse: (text: string) => integer(text, 1, 3_600),
  },
  WORKERS: {
    default: "1",
    description:
      "Processes that serve, 1 to 256; auto for one per core. More than one needs a database that they can share.",
    parse: (text: string) => (text === "auto" ? availableParallelism() : integer(text, 1, 256)),
  },
  DATABASE_URL: {
    default: "sqlite:data/distribu.db",
    description:
      "sqlite:<file>, relative to the working directory; sqlite::memory: for a database that lives as long as the process; or postgres://user:password@host/database. Required when NODE_ENV is production.",
    parse: (text: string) => (/^(sqlite:.|postgres(ql)?:\/\/.)/.test(text) ? text : undefined),
  },
  DATABASE_URL_FILE: {
    default: "off",
    description:
      "File that holds the DATABASE_URL, for secrets in files; it takes precedence over DATABASE_URL.",
    parse: (text: string) => (text === "off" ? false : text),
  },
  DATABASE_POOL_SIZE: {
    default: "10",
    description: "PostgreSQL: maximum number of connections of one process, 1 to 1000.",
    parse: (text: string) => integer(text, 1, 1_000),
  },
  DATABASE_STATEMENT_TIMEOUT: {
    default: "1500",
    description:
      "PostgreSQL: milliseconds after which a statement is cancelled and its request gets a 503, 100 to 60000; any request gets a 503 after 1750.",
    parse: (text: string) => integer(text, 100, 60_000),
  },
  AUDIT_RETENTION_DAYS: {
    default: "off",
    description: "Days after which entries of the audit trail are deleted, 1 to 36500; off keeps them.",
    parse: (text: string) => (text === "off" ? false : integer(text, 1, 36_500)),
  },
  LOG_LEVEL: {
    default: "info",
    description: `How much to log: ${logLevels.join(", ")}.`,
    parse: (text: string) => (logLevels.includes(text) ? text : undefined),
  },
  RATE_LIMIT_PER_MINUTE: {
    default: "600",
    description:
      "Requests a minute for each API key, 0 to 1000000; a tenth of that in failed keys for each address; 0 disables both limits.",
    parse: (text: string) => integer(text, 0, 1_000_000),
  },
  DRIFT_CHECK_ONE_IN: {
    default: "100",
    description:
      "One response in this many, at random, is compared with the contract after it was sent, 1 to 1000000; 0 for none.",
    parse: (text: string) => integer(text, 0, 1_000_000),
  },
  CORS_ORIGINS: {
    default: "off",
    description:
      "Origins whose pages may call the API from a browser, as in https://app.example, separated by commas.",
    parse: (text: string) => (text === "off" ? false : list(text, isOrigin)),
  },
};

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

/** The environment variables as options, without those of the host application: `DATABASE_URL` is `databaseUrl`. */
export type Options = { [Name in OptionVariable as CamelCase<Name>]?: ValueOf<Name> | string | undefined };

/** The settings of the API itself. */
export interface ApiConfig {
  database: ConnectOptions;
  logLevel: string;
  /** Requests a minute for each key; 0 for no limit. */
  requestsPerMinute: number;
  /** Days after which entries of the audit trail are deleted. */
  auditRetentionDays: number | false;
  /** One response in this many is compared with the contract; 0 for none. */
  driftCheckOneIn: number;
  /** Origins whose pages may call the API from a browser. */
  corsOrigins: string[] | false;
}

/** The settings of the server around it. */
export interface Config extends ApiConfig {
  port: number;
  host: string;
  /** The port of the metrics. */
  metricsPort: number | false;
  /** Express's `trust proxy`. */
  trustProxy: number | string[] | false;
  keepAliveTimeoutInSeconds: number;
  /** Processes that serve; 1 means this process itself. */
  workers: number;
  isProduction: boolean;
}

/** Names every invalid setting, one line each. */
export class ConfigError extends Error {}

/**
 * Reads the environment. An empty variable counts as unset.
 * @throws {ConfigError} when a variable is invalid or a required one is missing
 */
export function readConfig(environment: NodeJS.ProcessEnv): Config {
  const isProduction = environment.NODE_ENV === "production";
  return validated(
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
      if (isProduction && !environment.DATABASE_URL && !environment.DATABASE_URL_FILE)
        problems.push(`DATABASE_URL is required in production. ${variables.DATABASE_URL.description}`);
      if (config.workers > 1 && config.database.url === "sqlite::memory:")
        problems.push("WORKERS must be 1 with sqlite::memory:, which processes cannot share.");
      return config;
    },
  );
}

/**
 * Reads the options of `createCustomersApi`. An undefined option counts as not given.
 * @throws {ConfigError} when an option is invalid or unknown
 */
export function readOptions(options: Options): ApiConfig {
  const given = new Map(Object.entries(options));
  const optionVariables = (Object.keys(variables) as Variable[]).filter(
    (name) => !(hostVariables as readonly Variable[]).includes(name),
  );
  const known = new Set(optionVariables.map(camelCase));
  return validated(
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
      statementTimeoutInMilliseconds: read("DATABASE_STATEMENT_TIMEOUT"),
    },
    logLevel: read("LOG_LEVEL"),
    requestsPerMinute: read("RATE_LIMIT_PER_MINUTE"),
    auditRetentionDays: read("AUDIT_RETENTION_DAYS"),
    driftCheckOneIn: read("DRIFT_CHECK_ONE_IN"),
    corsOrigins: read("CORS_ORIGINS"),
  };
}

/** The URL in a file; an unreadable file or one with anything else is a problem. */
function readDatabaseUrl(file: string, problems: string[]): string {
  try {
    const url = variables.DATABASE_URL.parse(readFileSync(file, "utf8").trim());
    if (url !== undefined) return url;
    problems.push(`${file} holds no database URL. ${variables.DATABASE_URL.description}`);
  } catch (error) {
    problems.push(`The DATABASE_URL_FILE ${file} cannot be read: ${(error as NodeJS.ErrnoException).code}`);
  }
  return "";
}

/**
 * Builds a configuration from validated settings.
 * @param textOf the text of a setting, or undefined for its default
 * @param nameOf what the setting is called where it comes from
 * @throws {ConfigError} with everything that `build` and the parsers found
 */
function validated<Result>(
  textOf: (name: Variable) => string | undefined,
  nameOf: (name: Variable) => string,
  build: (read: Read, problems: string[]) => Result,
): Result {
  const problems: string[] = [];
  const config = build((name) => {
    const { default: standard, description, parse } = variables[name];
    const text = textOf(name);
    const value = parse(text ?? standard);
    if (value === undefined)
      problems.push(`${nameOf(name)}=${withoutPassword(text)} is not valid. ${description}`);
    return value as ValueOf<typeof name>;
  }, problems);
  if (problems.length > 0) throw new ConfigError(problems.join("\n"));
  return config;
}

function camelCase(name: Variable): string {
  return name.toLowerCase().replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
}

/** Hides the user and password of a database URL: error messages end up in logs. */
function withoutPassword(text = ""): string {
  return text.replace(/^.*@/s, "***@");
}

function integer(text: string, minimum: number, maximum: number): number | undefined {
  const value = /^[0-9]+$/.test(text) ? Number(text) : Number.NaN;
  return value >= minimum && value <= maximum ? value : undefined;
}

/** The items of a list, or undefined when one of them is invalid. */
function list(text: string, isValid: (item: string) => boolean): string[] | undefined {
  const items = text.split(",").map((item) => item.trim());
  return items.every(isValid) ? items : undefined;
}

/** Whether Express's `trust proxy` takes it: an address, or a subnet such as 10.0.0.0/8. */
function isSubnet(text: string): boolean {
  const [address = "", bits, ...rest] = text.split("/");
  const version = isIP(address);
  if (version === 0 || rest.length > 0) return false;
  // Express rejects a subnet of all addresses.
  return bits === undefined || integer(bits, 1, version === 4 ? 32 : 128) !== undefined;
}

/** Whether it is an origin as browsers send it: scheme, host and port, nothing else. */
function isOrigin(text: string): boolean {
  return /^https?:/.test(text) && URL.canParse(text) && new URL(text).origin === text;
}
