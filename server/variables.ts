/**
 * The settings of the server. Each environment variable is described only here; `createCustomersApi` takes those
 * that do not belong to its host application as options, with camelCase names and the same validation.
 */
import { isIP } from "node:net";
import { availableParallelism } from "node:os";
import type { LogFormat } from "./log.ts";

const logLevels = ["fatal", "error", "warn", "info", "debug", "trace", "silent"];

/** Each variable with its default as text, its description, and its parser, which returns undefined for invalid text. */
export const variables = {
  PORT: {
    default: "3000",
    description: "TCP port to listen on, 0 to 65535; 0 picks a free one.",
    parse: (text: string) => parseInteger(text, 0, 65_535),
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
    parse: (text: string) => (text === "off" ? false : parseInteger(text, 0, 65_535)),
  },
  TRUST_PROXY: {
    default: "off",
    description:
      "Express's `trust proxy` setting, which takes the client's address from X-Forwarded-For: the number of proxies in front of the server, 1 to 16, or their addresses and subnets, separated by commas.",
    parse: (text: string) =>
      text === "off" ? false : (parseInteger(text, 1, 16) ?? parseList(text, isSubnet)),
  },
  KEEP_ALIVE_TIMEOUT: {
    default: "65",
    description:
      "Seconds after which an idle connection is closed, 1 to 3600; must exceed the idle timeout of the load balancer.",
    parse: (text: string) => parseInteger(text, 1, 3_600),
  },
  WORKERS: {
    default: "1",
    description:
      "Number of server processes, 1 to 256; auto for one per core. More than one requires a database that they can share.",
    parse: (text: string) => (text === "auto" ? availableParallelism() : parseInteger(text, 1, 256)),
  },
  PUBLIC_URL: {
    default: "off",
    description:
      "Public URL of the server, without /api/v1, such as https://api.example or https://example.org/partners; the served contract lists it first, and its path precedes /api/v1 in Location.",
    parse: (text: string) => (text === "off" ? false : parsePublicUrl(text)),
  },
  DATABASE_URL: {
    default: "sqlite:data/distribu.db",
    description:
      "sqlite:<file>, relative to the working directory; sqlite::memory: for an in-memory database; or postgres://user:password@host/database. This or DATABASE_URL_FILE is required when NODE_ENV is production.",
    // better-sqlite3 would trim the name of the file.
    parse: (text: string) => (/^(sqlite:|postgres(ql)?:\/\/)\S(.*\S)?$/.test(text) ? text : undefined),
  },
  DATABASE_URL_FILE: {
    default: "off",
    description:
      "File that contains the database URL, for secrets in files; takes precedence over DATABASE_URL.",
    parse: (text: string) => (text === "off" ? false : text),
  },
  DATABASE_POOL_SIZE: {
    default: "10",
    description: "PostgreSQL: maximum number of connections per process, 1 to 1000.",
    parse: (text: string) => parseInteger(text, 1, 1_000),
  },
  DATABASE_POOLER: {
    default: "off",
    description:
      "PostgreSQL: transaction behind a pooler in transaction mode, such as PgBouncer; off behind a pooler in session mode, or without one.",
    parse: (text: string) => (text === "off" ? false : text === "transaction" ? text : undefined),
  },
  DATABASE_STATEMENT_TIMEOUT: {
    default: "1500",
    description:
      "PostgreSQL: milliseconds after which a statement is cancelled and its request gets a 503, 100 to 60000; a request that takes over 1750 in total gets a 503 in any case.",
    parse: (text: string) => parseInteger(text, 100, 60_000),
  },
  MAX_CUSTOMERS_PER_COMPANY: {
    default: "off",
    description:
      "Maximum number of customers of a company, 1 to 100000000; further creates get a 503; off for no limit.",
    parse: (text: string) => (text === "off" ? false : parseInteger(text, 1, 100_000_000)),
  },
  AUDIT_RETENTION_DAYS: {
    default: "off",
    description: "Days after which audit trail entries are deleted, 1 to 36500; off keeps them.",
    parse: (text: string) => (text === "off" ? false : parseInteger(text, 1, 36_500)),
  },
  LOG_LEVEL: {
    default: "info",
    description: `Minimum level of log lines: ${logLevels.join(", ")}.`,
    parse: (text: string) => (logLevels.includes(text) ? text : undefined),
  },
  LOG_FORMAT: {
    default: "auto",
    description: "Log format: json, pretty (for people), or auto (pretty on a terminal, otherwise json).",
    parse: (text: string): LogFormat | undefined => {
      if (text === "auto") return process.stdout.isTTY ? "pretty" : "json";
      return text === "json" || text === "pretty" ? text : undefined;
    },
  },
  RATE_LIMIT_PER_MINUTE: {
    default: "600",
    description:
      "Requests per minute for each API key, 0 to 1000000; each address may send a tenth of that with invalid keys; 0 disables both limits.",
    parse: (text: string) => parseInteger(text, 0, 1_000_000),
  },
  DRIFT_CHECK_ONE_IN: {
    default: "100",
    description:
      "One in this many responses, at random, is compared with the contract after it was sent, 1 to 1000000; 0 for none.",
    parse: (text: string) => parseInteger(text, 0, 1_000_000),
  },
  CORS_ORIGINS: {
    default: "off",
    description:
      "Origins whose pages may call the API from a browser, such as https://app.example, separated by commas.",
    parse: (text: string) => (text === "off" ? false : parseList(text, isOrigin)),
  },
};

function parseInteger(text: string, minimum: number, maximum: number): number | undefined {
  const value = /^[0-9]+$/.test(text) ? Number(text) : Number.NaN;
  return value >= minimum && value <= maximum ? value : undefined;
}

/** Parses a comma-separated list. Returns undefined if an item is invalid. */
function parseList(text: string, isValid: (item: string) => boolean): string[] | undefined {
  const items = text.split(",").map((item) => item.trim());
  return items.every(isValid) ? items : undefined;
}

/** Whether Express's `trust proxy` accepts it: an address, or a subnet such as 10.0.0.0/8. */
function isSubnet(text: string): boolean {
  const [address = "", bits, ...rest] = text.split("/");
  const version = isIP(address);
  if (version === 0 || rest.length > 0) return false;
  // Express rejects a subnet that contains all addresses.
  return bits === undefined || parseInteger(bits, 1, version === 4 ? 32 : 128) !== undefined;
}

/** Removes trailing slashes. Returns undefined if it is not an HTTP URL, or has a user, query or fragment. */
function parsePublicUrl(text: string): string | undefined {
  if (!/^https?:\/\/[^?#@]+$/.test(text) || !URL.canParse(text)) return undefined;
  return new URL(text).href.replace(/\/+$/, "");
}

/** Whether it is an origin as browsers send it: only scheme, host and port. */
function isOrigin(text: string): boolean {
  return /^https?:/.test(text) && URL.canParse(text) && new URL(text).origin === text;
}
