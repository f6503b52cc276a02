/** The environment variables of the server: name, default and meaning, checked in one place. */

import { availableParallelism } from "node:os";
import type { ConnectOptions } from "./database/connect.ts";

const logLevels = ["fatal", "error", "warn", "info", "debug", "trace", "silent"];

/** Each variable with its default, as text, what it means, and its parser: undefined where a text is not of its form. */
export const variables = {
  PORT: {
    default: "3000",
    meaning: "TCP port to listen on, 0 to 65535; 0 takes a free one.",
    parse: (text: string) => integer(text, 0, 65_535),
  },
  HOST: {
    default: "127.0.0.1",
    meaning: "Address to listen on; 0.0.0.0 or :: for all of them.",
    parse: (text: string) => text.trim() || undefined,
  },
  METRICS_PORT: {
    default: "off",
    meaning: "TCP port of /metrics, on the same address, 0 to 65535; 0 takes a free one, off serves none.",
    parse: (text: string) => (text === "off" ? false : integer(text, 0, 65_535)),
  },
  DATABASE_URL: {
    default: "sqlite:data/distribu.db",
    meaning:
      "sqlite:<file>, relative to the working directory, or sqlite::memory: for a database that ends with the process; or postgres://user:password@host/database.",
    parse: (text: string) => (/^(sqlite:.|postgres(ql)?:\/\/.)/.test(text) ? text : undefined),
  },
  DATABASE_POOL_SIZE: {
    default: "10",
    meaning: "PostgreSQL: the most connections of one process, 1 to 1000.",
    parse: (text: string) => integer(text, 1, 1_000),
  },
  DATABASE_STATEMENT_TIMEOUT: {
    default: "1500",
    meaning:
      "PostgreSQL: milliseconds after which a statement is given up and its request answered 503, 100 to 60000; a request is answered 503 after 1750 in any case.",
    parse: (text: string) => integer(text, 100, 60_000),
  },
  WORKERS: {
    default: "1",
    meaning:
      "Processes that serve, 1 to 256; auto for one a core. More than one needs a database that they can share.",
    parse: (text: string) => (text === "auto" ? availableParallelism() : integer(text, 1, 256)),
  },
  LOG_LEVEL: {
    default: "info",
    meaning: `How much to log: ${logLevels.join(", ")}.`,
    parse: (text: string) => (logLevels.includes(text) ? text : undefined),
  },
  RATE_LIMIT_PER_MINUTE: {
    default: "600",
    meaning:
      "Requests a minute for each API key, 0 to 1000000; a tenth as many failed keys for each address; 0 switches both off.",
    parse: (text: string) => integer(text, 0, 1_000_000),
  },
  DRIFT_CHECK_ONE_IN: {
    default: "100",
    meaning:
      "One answer in so many, by chance, is compared with the contract after it was sent, 1 to 1000000; 0 for none.",
    parse: (text: string) => integer(text, 0, 1_000_000),
  },
};

/** What the environment says, each value of its variable's type. */
export interface Config {
  port: number;
  host: string;
  /** Where metrics are served, if they are. */
  metricsPort: number | false;
  database: ConnectOptions;
  logLevel: string;
  requestsPerMinute: number;
  /** One answer in so many is compared with the contract; 0 for none. */
  driftCheckOneIn: number;
  /** Processes that serve; one is this process itself. */
  workers: number;
  isProduction: boolean;
}

/** Says which variables are wrong, a line for each. */
export class ConfigError extends Error {}

/**
 * Reads the configuration. An empty variable counts as not set.
 * @throws {ConfigError} when a variable has a value that is not of its form
 */
export function readConfig(environment: NodeJS.ProcessEnv): Config {
  const wrong: string[] = [];
  function read<Name extends keyof typeof variables>(name: Name) {
    const { default: standard, meaning, parse } = variables[name];
    const value = parse(environment[name] || standard);
    if (value === undefined)
      wrong.push(`${name}=${withoutPassword(environment[name])} is not valid. ${meaning}`);
    return value as NonNullable<ReturnType<(typeof variables)[Name]["parse"]>>;
  }
  const config = {
    port: read("PORT"),
    host: read("HOST"),
    metricsPort: read("METRICS_PORT"),
    database: {
      url: read("DATABASE_URL"),
      poolSize: read("DATABASE_POOL_SIZE"),
      statementTimeoutInMilliseconds: read("DATABASE_STATEMENT_TIMEOUT"),
    },
    logLevel: read("LOG_LEVEL"),
    requestsPerMinute: read("RATE_LIMIT_PER_MINUTE"),
    driftCheckOneIn: read("DRIFT_CHECK_ONE_IN"),
    workers: read("WORKERS"),
    isProduction: environment.NODE_ENV === "production",
  };
  if (config.workers > 1 && config.database.url === "sqlite::memory:") {
    wrong.push("WORKERS is more than one, and each would have a database of its own in memory.");
  }
  if (wrong.length > 0) throw new ConfigError(wrong.join("\n"));
  return config;
}

/** A database URL may hold a password, and what is said at start ends up in logs. */
function withoutPassword(text = ""): string {
  return text.replace(/^.*@/s, "***@");
}

function integer(text: string, minimum: number, maximum: number): number | undefined {
  const value = /^[0-9]+$/.test(text) ? Number(text) : Number.NaN;
  return value >= minimum && value <= maximum ? value : undefined;
}
