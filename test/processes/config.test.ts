// cspell:ignore DATABSE LIMT ENVV HOSTTYPE LOGNAME SHLVL OLDPWD PGHOST PGPORT MAINPID
/** The table of settings: the environment of the server and the options of `createCustomersApi`. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import express from "express";
import { describe, expect, it, onTestFinished } from "vitest";
import { ConfigError, readConfig, readOptions } from "../../server/config.ts";
import { findMisspelledVariables } from "../../server/misspelledVariables.ts";
import { variables } from "../../server/variables.ts";
import { temporaryFolder } from "../support/temporaryFolder.ts";

/** The lines of the error. */
function readProblems(read: () => unknown): string[] {
  try {
    read();
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split("\n");
    throw error;
  }
  return [];
}

function createFile(text: string): string {
  const folder = temporaryFolder();
  onTestFinished(folder.remove);
  const file = join(folder.path, "secret");
  writeFileSync(file, text);
  return file;
}

describe("readConfig", () => {
  it("readConfig: empty environment → every default", () => {
    expect(readConfig({})).toMatchObject({
      port: 3000,
      trustProxy: false,
      corsOrigins: false,
      keepAliveTimeoutInSeconds: 65,
      database: { url: "sqlite:data/distribu.db" },
    });
  });

  it.each([
    ["1", 1],
    ["127.0.0.1", ["127.0.0.1"]],
    ["10.0.0.0/8, fd00::/8", ["10.0.0.0/8", "fd00::/8"]],
  ])("readConfig: TRUST_PROXY=%s → accepted, by Express too", (text, expected) => {
    const { trustProxy } = readConfig({ TRUST_PROXY: text });
    expect(trustProxy).toEqual(expected);
    express().set("trust proxy", trustProxy);
  });

  it.each([
    ["TRUST_PROXY", "true"],
    ["TRUST_PROXY", "0"],
    ["TRUST_PROXY", "10.0.0.0/33"],
    ["TRUST_PROXY", "10.0.0.0/0"],
    ["TRUST_PROXY", "10.0.0.1,"],
    ["KEEP_ALIVE_TIMEOUT", "0"],
    ["DATABASE_URL", "sqlite:data.db "],
    ["DATABASE_URL", "data/distribu.db"],
    ["CORS_ORIGINS", "*"],
    ["CORS_ORIGINS", "https://app.example/"],
    ["CORS_ORIGINS", "https://app.example https://b.example"],
    ["CORS_ORIGINS", "app.example"],
  ])("readConfig: %s=%s → names it", (name, value) => {
    const problems = readProblems(() => readConfig({ [name]: value }));
    expect(problems).toEqual([expect.stringContaining(`${name}=${value} is not valid. `)]);
  });

  it("readConfig: production without DATABASE_URL → an error", () => {
    const problems = readProblems(() => readConfig({ NODE_ENV: "production" }));
    expect(problems).toEqual([
      expect.stringMatching(/^DATABASE_URL or DATABASE_URL_FILE is required in production\. /),
    ]);
  });

  it.each(["prod", "Production", "staging"])(
    "readConfig: NODE_ENV=%s → names the allowed values",
    (NODE_ENV) => {
      expect(readProblems(() => readConfig({ NODE_ENV }))).toEqual([
        `NODE_ENV=${NODE_ENV} is not valid. Use production, development, test; unset means development.`,
      ]);
    },
  );

  it("readConfig: NODE_ENV production, development, test or unset → accepted", () => {
    const DATABASE_URL = "sqlite:x";
    for (const NODE_ENV of ["production", "development", "test", "", undefined])
      expect(readConfig({ NODE_ENV, DATABASE_URL }).isProduction).toBe(NODE_ENV === "production");
  });

  it("readConfig: DATABASE_URL_FILE → the URL in the file, before DATABASE_URL", () => {
    const DATABASE_URL_FILE = createFile("postgres://u:p@host/name\n");
    const { database } = readConfig({ NODE_ENV: "production", DATABASE_URL: "sqlite:x", DATABASE_URL_FILE });
    expect(database.url).toBe("postgres://u:p@host/name");
  });

  it("readConfig: DATABASE_URL_FILE without a URL → names the file, not its text", () => {
    const missing = readProblems(() => readConfig({ DATABASE_URL_FILE: "/no/such/file" }));
    expect(missing).toEqual(["The DATABASE_URL_FILE /no/such/file cannot be read: ENOENT"]);
    const file = createFile("s3cret");
    const [problem] = readProblems(() => readConfig({ DATABASE_URL_FILE: file }));
    expect(problem).toMatch(`${file} does not contain a database URL.`);
    expect(problem).not.toContain("s3cret");
  });
});

describe("findMisspelledVariables", () => {
  it("findMisspelledVariables: one or two letters wrong → names both, no value", () => {
    const misspelled = {
      DATABSE_URL: "postgres://ann:s3cret@x/y",
      RATE_LIMT_PER_MINUTE: "1",
      CORS_ORIGIN: "x",
      NODE_ENVV: "production",
    };
    expect(findMisspelledVariables(misspelled)).toEqual([
      "DATABSE_URL (did you mean DATABASE_URL?)",
      "RATE_LIMT_PER_MINUTE (did you mean RATE_LIMIT_PER_MINUTE?)",
      "CORS_ORIGIN (did you mean CORS_ORIGINS?)",
      "NODE_ENVV (did you mean NODE_ENV?)",
    ]);
  });

  it("findMisspelledVariables: environments of shells, containers, npm → none", () => {
    const others =
      "HOME PATH PWD SHELL USER TERM LANG LC_ALL TZ HOSTNAME HOSTTYPE POST PORTS EDITOR MAIL LOGNAME SHLVL OLDPWD INIT_CWD " +
      "NODE_PATH NODE_OPTIONS NODE_VERSION NODE_EXTRA_CA_CERTS HTTP_PROXY HTTPS_PROXY NO_PROXY SSL_CERT_FILE PGHOST PGPORT " +
      "npm_config_cache npm_lifecycle_event KUBERNETES_PORT KUBERNETES_SERVICE_HOST KUBERNETES_SERVICE_PORT INVOCATION_ID " +
      "JOURNAL_STREAM STATE_DIRECTORY NOTIFY_SOCKET LISTEN_FDS MAINPID POSTGRES_PASSWORD DATABASE_PORT DATABASE_HOST " +
      "DATABASE_NAME DATABASE_USER OTEL_SERVICE_NAME UV_THREADPOOL_SIZE NODE_UNIQUE_ID NODE_CHANNEL_FD XDG_SESSION_ID";
    const names = [...others.split(" "), ...Object.keys(variables), "NODE_ENV"];
    expect(findMisspelledVariables(Object.fromEntries(names.map((name) => [name, "x"])))).toEqual([]);
  });
});

describe("readOptions", () => {
  it("readOptions: values and texts → the configuration of the same environment", () => {
    const { database, corsOrigins, requestsPerMinute, driftCheckOneIn } = readOptions({
      databaseUrl: "sqlite:x.db",
      databasePoolSize: 5,
      rateLimitPerMinute: "60",
      driftCheckOneIn: 0,
      corsOrigins: ["https://a.example", "https://b.example"],
      logLevel: undefined,
    });
    expect(database).toMatchObject({ url: "sqlite:x.db", poolSize: 5 });
    expect([requestsPerMinute, driftCheckOneIn]).toEqual([60, 0]);
    expect(corsOrigins).toEqual(["https://a.example", "https://b.example"]);
    expect(readOptions({ corsOrigins: false }).corsOrigins).toBe(false);
  });

  it("readOptions: invalid values, unknown names → one line each, in camelCase", () => {
    const options = { databasePoolSize: 0, port: 3000, databaseURL: "sqlite:x" };
    expect(readProblems(() => readOptions(options))).toEqual([
      "Unknown option port.",
      "Unknown option databaseURL.",
      expect.stringMatching(/^databasePoolSize=0 is not valid\. PostgreSQL: /),
    ]);
  });
});
