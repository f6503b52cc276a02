/** Starts a server in the process of the tests: real HTTP on a private database, every response checked. */
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import pino from "pino";
import { type CustomersClient, createCustomersClient } from "../../client/index.ts";
import type { Scope } from "../../generated/messages.ts";
import { createApp } from "../../server/app.ts";
import { assertContract } from "../../server/checkedFetch.ts";
import type { ObservedResponse } from "../../server/contractCheck.ts";
import { connectDatabase } from "../../server/database/connect.ts";
import type { Database, Statement, Values } from "../../server/database/database.ts";
import { createDriftCheck } from "../../server/driftCheck.ts";
import { createServer } from "../../server/httpServer.ts";
import { createKeyAdministration } from "../../server/keyAdministration.ts";
import { createTestFetch, immediate } from "./checkedFetch.ts";
import { createDatabase, pooler } from "./databases.ts";
import { createPartner, type Partner } from "./partner.ts";
import { exchangeBytes, parseResponses } from "./rawHttp.ts";
import { assertNoSecretsInLog, rememberBody } from "./secrets.ts";

export const bothScopes: Scope[] = ["customers:read", "customers:write"];

interface KeyOptions {
  company?: string;
  scopes?: Scope[];
  expiresAt?: number;
  requestsPerMinute?: number;
}

export interface TestServer {
  /** `http://127.0.0.1:<port>` */
  url: string;
  port: number;
  databaseUrl: string;
  database: Database;
  /** Every line of the log so far, parsed. */
  logLines: Record<string, unknown>[];
  /** Every response so far; all of them conform to the contract. */
  responses: ObservedResponse[];
  /** Creates a key, by default of company `acme` with both scopes. */
  createKey(options?: KeyOptions): Promise<string>;
  /** The typed client without retries, with a new key unless one is given. */
  client(apiKey?: string): Promise<CustomersClient>;
  /** Checked `fetch` of a path of the server. */
  fetch(path: string, init?: RequestInit & { key?: string }): Promise<Response>;
  /** Creates a client with its own key, of a new company unless one is named. */
  partner(options?: KeyOptions): Promise<Partner>;
  /** Revokes a key that `createKey` created. */
  revokeKey(key: string): Promise<void>;
  /**
   * Sends bytes on a new connection; returns the responses once the server has closed it, a 100 included. All but 1xx
   * are checked.
   */
  exchange(
    bytes: string | Buffer,
    options?: { target?: string; method?: string },
  ): Promise<ObservedResponse[]>;
  stop(): Promise<void>;
}

export interface ServerOptions {
  requestsPerMinute?: number;
  databaseUrl?: string;
  maxCustomersPerCompany?: number;
  /** How many customers a search compares before it uses the index; few by default, so that tests cover both. */
  searchWindow?: number;
  /** Called with every statement that the server runs, which waits for it. */
  onStatement?(statement: Statement<unknown>, values: Values): unknown;
  /** Called by the drift check with each response that it has checked. */
  onChecked?(): void;
  corsOrigins?: string[];
  publicUrl?: string;
  trustProxy?: number | string[];
  maxQueuedRequests?: number;
}

/** Starts a server on a free port, on a new database unless one is given. */
export async function startServer(options: ServerOptions = {}): Promise<TestServer> {
  const created = options.databaseUrl === undefined ? await createDatabase() : undefined;
  const databaseUrl = options.databaseUrl ?? (created?.url as string);
  const { onStatement, searchWindow = 2, maxQueuedRequests } = options;
  const database = await connectDatabase({ url: databaseUrl, searchWindow, pooler });
  const logLines: Record<string, unknown>[] = [];
  const responses: ObservedResponse[] = [];
  const log = pino(
    { level: "trace", base: null },
    { write: (line: string) => void logLines.push(JSON.parse(line)) },
  );
  let stopping = false;
  const app = createApp({
    database: onStatement ? observeStatements(database, onStatement) : database,
    log,
    requestsPerMinute: options.requestsPerMinute ?? 0,
    maxCustomersPerCompany: options.maxCustomersPerCompany ?? false,
    // The drift check sees every response of every test, and must agree with the contract check.
    driftCheck: await createDriftCheck(1, log, options.onChecked),
    isStopping: () => stopping,
    corsOrigins: options.corsOrigins ?? false,
    publicUrl: options.publicUrl ?? false,
    trustProxy: options.trustProxy ?? false,
  });
  const server = createServer(app, {
    log,
    isDatabaseBusy: database.isBusy,
    ...(maxQueuedRequests !== undefined && { maxQueuedRequests }),
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  const checkedFetch = createTestFetch((response) => responses.push(response));

  let companies = 0;

  const self: TestServer = {
    url,
    port,
    databaseUrl,
    database,
    logLines,
    responses,
    createKey: ({ company = "acme", scopes = bothScopes, ...limits } = {}) =>
      createKeyAdministration(database).create({ company, scopes, name: "test", ...limits }),
    async client(apiKey) {
      return createCustomersClient({
        baseUrl: `${url}/api/v1`,
        apiKey: apiKey ?? (await self.createKey()),
        fetch: checkedFetch,
        // Without sampling or delay, so that a test sees the result of the response that it provokes.
        ...immediate,
      });
    },
    fetch(path, { key, ...init } = {}) {
      const headers = new Headers(init.headers);
      if (key !== undefined) headers.set("Authorization", `Bearer ${key}`);
      return checkedFetch(url + path, { redirect: "manual", ...init, headers });
    },
    async partner({ company = `company-${++companies}`, ...keyOptions } = {}) {
      const key = await self.createKey({ company, ...keyOptions });
      return createPartner(url, checkedFetch, { key, company });
    },
    async revokeKey(key) {
      const keys = createKeyAdministration(database);
      const listed = (await keys.list()).find(({ prefix }) => key.startsWith(prefix));
      if (listed) await keys.revoke(listed);
    },
    async exchange(bytes, { target, method } = {}) {
      const text = bytes.toString("latin1");
      rememberBody(bytes.toString("utf8").replace(/^.*?\r\n\r\n/s, ""));
      const [, sentMethod = "GET", sentTarget = "/"] = /^(\S+) (\S+)/.exec(text) ?? [];
      const received = parseResponses(
        await exchangeBytes(port, bytes),
        method ?? sentMethod,
        // The contract has paths only, no absolute form.
        target ?? sentTarget.replace(/^https?:\/\/[^/?#]*/i, ""),
      );
      for (const response of received) {
        if (response.status < 200) continue;
        assertContract(response);
        responses.push(response);
      }
      return received;
    },
    async stop() {
      stopping = true;
      await server.stop({ lingerInMilliseconds: 0, graceInMilliseconds: 1_000 });
      await database.close();
      await created?.drop();
      const found = logLines.filter(({ msg }) => /differs from the contract|drift check/.test(String(msg)));
      if (found.length > 0) throw new Error(`The drift check found ${JSON.stringify(found)}`);
      // The path of a 404 is logged on purpose.
      assertNoSecretsInLog(logLines.map(({ path: _, ...line }) => JSON.stringify(line)).join("\n"));
    },
  };
  return self;
}

/** Wraps a database so that a function is called with each statement before it runs. */
function observeStatements(
  database: Database,
  onStatement: NonNullable<ServerOptions["onStatement"]>,
): Database {
  return {
    ...database,
    async read(statement, values, options) {
      await onStatement(statement, values);
      return database.read(statement, values, options);
    },
    async write(steps, companyId) {
      for (const { statement, values } of steps) await onStatement(statement, values);
      return database.write(steps, companyId);
    },
  };
}
