/** Servers for the tests: real HTTP, real and private databases, every answer checked. */
import { type ChildProcess, execSync, type SpawnOptions, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import http from "node:http";
import { type AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import pino from "pino";
import { inject, onTestFinished } from "vitest";
import { type CustomersClient, createCustomersClient } from "../../client/index.ts";
import type { components } from "../../generated/api.ts";
import type { Scope } from "../../generated/messages.ts";
import { createApiKeys } from "../../server/apiKeys.ts";
import { createApp } from "../../server/app.ts";
import { type Answer, assertContract, createCheckedFetch } from "../../server/contractCheck.ts";
import { connectDatabase, type Database, type Statement, type Value } from "../../server/database/connect.ts";
import { createDriftCheck } from "../../server/driftCheck.ts";
import { createServer } from "../../server/httpServer.ts";
import { createTestDatabase } from "./postgres.ts";
import { assertNoKey, assertNoKeyInFolder, assertNoSecretsInLog, rememberBody } from "./secrets.ts";

export const bothScopes: Scope[] = ["customers:read", "customers:write"];

/** A folder that is gone when the tests of this file are. */
export function temporaryFolder(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), "distribu-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

export interface TestServer {
  /** `http://127.0.0.1:<port>` */
  url: string;
  port: number;
  databaseUrl: string;
  database: Database;
  /** Every line of the log so far, parsed. */
  logLines: Record<string, unknown>[];
  /** Every answer so far that was checked. */
  answers: Answer[];
  /** Makes a key; of company `acme` with both scopes, unless told otherwise. */
  createKey(options?: { company?: string; scopes?: Scope[]; expiresAt?: number }): Promise<string>;
  /** The typed client, with a new key unless one is given. */
  client(apiKey?: string): Promise<CustomersClient>;
  /** Checked `fetch` of a path of the server. */
  fetch(path: string, init?: RequestInit & { key?: string }): Promise<Response>;
  /** A caller with a key of its own, of a new company unless one is named. */
  partner(options?: { company?: string; scopes?: Scope[]; expiresAt?: number }): Promise<Partner>;
  /** Ends a key that `createKey` made. */
  revokeKey(key: string): Promise<void>;
  /**
   * Sends bytes as they are on a new connection; the answers, once the server has ended it. The final
   * ones are checked; a 100 comes as an answer of its own.
   */
  exchange(bytes: string | Buffer, options?: { target?: string; method?: string }): Promise<Answer[]>;
  stop(): Promise<void>;
}

/** A new database of the engine that this run is for, unless one is named. */
export async function createDatabase(
  engine = process.env.TEST_ENGINE,
): Promise<{ url: string; drop(): Promise<void> }> {
  if (engine === "postgres") return createTestDatabase(inject("postgresUrl"));
  const folder = temporaryFolder();
  const drop = async () => {
    assertNoKeyInFolder(folder.path);
    folder.remove();
  };
  return { url: `sqlite:${join(folder.path, "test.db")}`, drop };
}

/** The DATABASE_URL of a new database, which is dropped when the test is over. */
export async function databaseOfTest(): Promise<string> {
  const { url, drop } = await createDatabase();
  onTestFinished(drop);
  return url;
}

/** An answer with its body, parsed where it is JSON. */
export interface Sent {
  status: number;
  headers: Headers;
  text: string;
  // biome-ignore lint/suspicious/noExplicitAny: the contract check has compared it with its schema
  body: any;
}

/** Somebody with a key who sends what the typed client would not let them send. */
export interface Partner {
  key: string;
  company: string;
  /**
   * Sends a request to a path below `/api/v1`. A string or bytes are the body as they are, anything
   * else is sent as JSON; headers replace those that a body and the key bring.
   */
  send(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Sent>;
}

export interface ServerOptions {
  requestsPerMinute?: number;
  databaseUrl?: string;
  /** How many customers a search compares before it asks the index; few, unless told otherwise. */
  searchWindow?: number;
  /** Is told every statement that the server runs. */
  onStatement?(statement: Statement<unknown>, values: Record<string, Value>): void;
}

/** A server in this process, on a free port, on a new database or on the one that is given. */
export async function startServer(options: ServerOptions = {}): Promise<TestServer> {
  const created = options.databaseUrl === undefined ? await createDatabase() : undefined;
  const databaseUrl = options.databaseUrl ?? (created?.url as string);
  // So that the few customers of a test are found by the index too, and on both sides of the window.
  const { onStatement, searchWindow = 2 } = options;
  const database = await connectDatabase({ url: databaseUrl, searchWindow });
  const seenDatabase: Database = onStatement
    ? {
        ...database,
        read(statement, values) {
          onStatement(statement, values);
          return database.read(statement, values);
        },
        write(steps) {
          for (const { statement, values } of steps) onStatement(statement, values);
          return database.write(steps);
        },
      }
    : database;
  const logLines: Record<string, unknown>[] = [];
  const answers: Answer[] = [];
  const log = pino(
    { level: "trace", base: null },
    { write: (line: string) => void logLines.push(JSON.parse(line)) },
  );
  let stopping = false;
  const app = createApp({
    database: seenDatabase,
    log,
    requestsPerMinute: options.requestsPerMinute ?? 0,
    // Of every answer of every test: it must find nothing where the contract check finds nothing.
    driftCheck: createDriftCheck(1, log),
    isStopping: () => stopping,
  });
  const server = createServer(app, log);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  const checkedFetch = rememberingFetch(createCheckedFetch({ seen: (answer) => answers.push(answer) }));

  let companies = 0;

  const self: TestServer = {
    url,
    port,
    databaseUrl,
    database,
    logLines,
    answers,
    createKey: ({ company = "acme", scopes = bothScopes, expiresAt } = {}) =>
      createApiKeys(database).create(company, scopes, "test", expiresAt ?? null),
    async client(apiKey) {
      return createCustomersClient({
        baseUrl: `${url}/api/v1`,
        apiKey: apiKey ?? (await self.createKey()),
        fetch: checkedFetch,
        // What a test provokes it sees, and not what came of a retry.
        maxRetries: 0,
      });
    },
    fetch(path, { key, ...init } = {}) {
      const headers = new Headers(init.headers);
      if (key !== undefined) headers.set("Authorization", `Bearer ${key}`);
      return checkedFetch(url + path, { redirect: "manual", ...init, headers });
    },
    async partner({ company = `company-${++companies}`, ...keyOptions } = {}) {
      const key = await self.createKey({ company, ...keyOptions });
      return {
        key,
        company,
        async send(method, path, body, headers = {}) {
          const response = await self.fetch(`/api/v1${path}`, {
            method,
            headers: {
              Authorization: `Bearer ${key}`,
              ...(body !== undefined && { "Content-Type": "application/json" }),
              ...headers,
            },
            ...(body !== undefined && {
              body: typeof body === "string" || body instanceof Uint8Array ? body : JSON.stringify(body),
            }),
          } as RequestInit);
          const text = await response.text();
          return {
            status: response.status,
            headers: response.headers,
            text,
            body: text === "" ? undefined : JSON.parse(text),
          };
        },
      };
    },
    async revokeKey(key) {
      const apiKeys = createApiKeys(database);
      const listed = (await apiKeys.list()).find(({ prefix }) => key.startsWith(prefix));
      await apiKeys.revoke(listed?.id ?? "");
    },
    async exchange(bytes, { target, method } = {}) {
      const text = bytes.toString("latin1");
      rememberBody(bytes.toString("utf8").replace(/^.*?\r\n\r\n/s, ""));
      const [, sentMethod = "GET", sentTarget = "/"] = /^(\S+) (\S+)/.exec(text) ?? [];
      const parsed = parseAnswers(
        await exchangeBytes(port, bytes),
        method ?? sentMethod,
        // The contract knows paths, and no absolute form.
        target ?? sentTarget.replace(/^https?:\/\/[^/?#]*/i, ""),
      );
      for (const answer of parsed) {
        if (answer.status < 200) continue;
        assertContract(answer);
        answers.push(answer);
      }
      return parsed;
    },
    async stop() {
      stopping = true;
      await server.stop({ lingerInMilliseconds: 0, graceInMilliseconds: 1_000 });
      await database.close();
      await created?.drop();
      const found = logLines.filter(({ msg }) => /differs from the contract|drift check/.test(String(msg)));
      if (found.length > 0) throw new Error(`The drift check found ${JSON.stringify(found)}`);
      assertNoSecretsInLog(logLines.map((line) => JSON.stringify(line)).join("\n"));
    },
  };
  return self;
}

/** A `fetch` of which what the bodies say is searched for in the logs. */
function rememberingFetch(checkedFetch: ReturnType<typeof createCheckedFetch>): typeof checkedFetch {
  return async (input, init) => {
    const request = new Request(input, init);
    if (request.body) rememberBody(await request.clone().text());
    return checkedFetch(request);
  };
}

/**
 * The bytes of a request that ends its connection, each character of the head one byte. Nothing is
 * added to a body: its length is for the headers to say.
 */
export function requestBytes(
  line: string,
  headers: Record<string, string> = {},
  body: string | Buffer = "",
): Buffer {
  const all = { Host: "x", Connection: "close", ...headers };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.concat([
    Buffer.from(`${line} HTTP/1.1\r\n${lines.join("")}\r\n`, "latin1"),
    Buffer.from(body),
  ]);
}

/** Sends bytes on a new connection, and collects what comes until the server ends it, or for `milliseconds`. */
export function exchangeBytes(port: number, bytes: string | Buffer, milliseconds = 20_000): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect(port, "127.0.0.1", () => socket.write(bytes));
    const timer = setTimeout(() => socket.destroy(), milliseconds);
    socket.on("data", (chunk) => chunks.push(chunk));
    socket.on("error", (error) => (chunks.length > 0 ? undefined : reject(error)));
    socket.on("close", () => {
      clearTimeout(timer);
      resolve(Buffer.concat(chunks));
    });
  });
}

/** A connection that stays open, for what `fetch` cannot do: half a request, or none. */
export interface Connection {
  send(bytes: string): void;
  /** Resolves once the bytes that came hold this text. */
  receives(text: string): Promise<void>;
  /** All bytes that came, once the server has ended the connection. */
  ended: Promise<Buffer>;
}

/** Opens a connection; it is closed when the test is over. */
export async function openConnection(port: number): Promise<Connection> {
  const socket = connect(port, "127.0.0.1");
  onTestFinished(() => void socket.destroy());
  let received = Buffer.alloc(0);
  socket.on("data", (chunk) => (received = Buffer.concat([received, chunk])));
  const ended = once(socket, "close").then(() => received);
  await once(socket, "connect");
  return {
    send: (bytes) => void socket.write(bytes),
    async receives(text) {
      while (!received.includes(text)) await once(socket, "data");
    },
    ended,
  };
}

/**
 * The answers among raw bytes, 1xx included; each must have a Content-Length, or no body. What
 * follows an answer that must have none (RFC 9112, section 6.3) is taken for its body all the same:
 * `fetch` would hide it.
 */
export function parseAnswers(raw: Buffer, method: string, target: string): Answer[] {
  const answers: Answer[] = [];
  let rest = raw;
  while (rest.length > 0) {
    const end = rest.indexOf("\r\n\r\n");
    const [statusLine = "", ...lines] = rest.subarray(0, end).toString("latin1").split("\r\n");
    const status = Number(statusLine.split(" ")[1]);
    const headers = Object.fromEntries(
      lines.map((line) => [
        line.slice(0, line.indexOf(":")).toLowerCase(),
        line.slice(line.indexOf(":") + 1).trim(),
      ]),
    );
    const following = rest.subarray(end + 4);
    const next = following.indexOf("HTTP/1.1 ");
    const length =
      method === "HEAD" || status < 200 || status === 204 || status === 304
        ? next < 0
          ? following.length
          : next
        : Number(headers["content-length"] ?? 0);
    const body = following.subarray(0, length).toString("utf8");
    answers.push({ method, target, status, headers, body });
    rest = rest.subarray(end + 4 + length);
  }
  return answers;
}

/** A process that is to become a server. */
export interface LaunchedServer {
  process: ChildProcess;
  /** Standard output so far. */
  output(): string;
  /** The exit code, or the signal that ended it. */
  exited: Promise<number | NodeJS.Signals>;
  /**
   * Its address, once it listens.
   * @throws {Error} when it ends before
   */
  listening(): Promise<string>;
}

type ProcessOptions = SpawnOptions & { nodeOptions?: string[] };

export interface SpawnedServer extends LaunchedServer {
  url: string;
  port: number;
  /** The typed client; every answer is checked. */
  client(apiKey: string): CustomersClient;
  /** Checked `fetch` of a path of the server. */
  fetch(path: string, init?: RequestInit): Promise<Response>;
}

/**
 * Starts a server in a process of its own, as `npm start` does; killed when the test is over.
 * @param program another that listens, and says where as the server does
 * @param options of the process; `nodeOptions` are what node is told before the program
 */
export function launchServer(
  environment: Record<string, string>,
  program = "dist/server/main.js",
  { nodeOptions = [], ...options }: ProcessOptions = {},
): LaunchedServer {
  const child = spawn(process.execPath, [...nodeOptions, program], {
    env: { ...process.env, ...serverEnvironment, ...environment },
    stdio: ["ignore", "pipe", "inherit"],
    ...options,
  });
  let output = "";
  const exited = once(child, "exit").then(([code, signal]) => (code ?? signal) as number | NodeJS.Signals);
  onTestFinished(async () => {
    child.kill("SIGKILL");
    await exited;
    // The first start shows a key, in text around the log.
    assertNoSecretsInLog((output.match(/^\{.*$/gm) ?? []).join("\n"));
  });
  const listening = new Promise<string>((resolve) => {
    child.stdout?.on("data", (chunk) => {
      output += chunk;
      const url = /"url":"([^"]+)"/.exec(output)?.[1];
      if (url) resolve(url);
    });
  });
  return {
    process: child,
    output: () => output,
    exited,
    listening: () =>
      Promise.race([
        listening,
        exited.then((code) => {
          throw new Error(`The server ended with ${code} before it listened:\n${output}`);
        }),
      ]),
  };
}

/** A server in a process of its own, once it listens. */
export async function spawnServer(
  environment: Record<string, string>,
  program?: string,
  options?: ProcessOptions,
): Promise<SpawnedServer> {
  const launched = launchServer(environment, program, options);
  const url = await launched.listening();
  const checkedFetch = rememberingFetch(createCheckedFetch());
  return {
    ...launched,
    url,
    port: Number(new URL(url).port),
    client: (apiKey) =>
      createCustomersClient({ baseUrl: `${url}/api/v1`, apiKey, fetch: checkedFetch, maxRetries: 0 }),
    fetch: (path, init) => checkedFetch(url + path, { redirect: "manual", ...init }),
  };
}

/** Every customer of a client's company, the newest first, through the pages of the list. */
export async function everyCustomer(client: CustomersClient): Promise<components["schemas"]["Customer"][]> {
  const customers: components["schemas"]["Customer"][] = [];
  let cursor = "";
  do {
    const { data } = await client.GET("/customers", { params: { query: { limit: 100, cursor } } });
    if (!data) throw new Error("The list was refused");
    const page = data as components["schemas"]["CustomerList"];
    customers.push(...page.data);
    cursor = page.pagination.nextCursor ?? "";
  } while (cursor !== "");
  return customers;
}

/** A server that is not ours, on a free port until the test is over; returns its address. */
export async function serve(listener: http.RequestListener): Promise<string> {
  const server = http.createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/**
 * Passes everything on to a server, for programs that check nothing: every answer is compared with the
 * contract, and is a 502 with the report where it differs. Returns its address.
 * @param seen is told every answer
 */
export function serveChecked(target: string, seen: (answer: Answer) => void): Promise<string> {
  const checkedFetch = createCheckedFetch({ seen });
  return serve(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const { connection: _, expect: __, ...headers } = request.headers;
    const answer = await checkedFetch(target + request.url, {
      method: request.method as string,
      headers: headers as Record<string, string>,
      ...(chunks.length > 0 && { body: Buffer.concat(chunks) }),
    }).catch((difference) => new Response(String(difference), { status: 502 }));
    response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(await answer.text());
  });
}

/** Text out of XML or HTML. */
export function unescaped(text: string): string {
  const characters: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"' };
  return text.replace(/&(\w+);/g, (_entity, name) => characters[name] as string);
}

const serverEnvironment = {
  PORT: "0",
  NODE_ENV: "production",
  RATE_LIMIT_PER_MINUTE: "0",
  LOG_LEVEL: "info",
};

/** How a program ended, and what it wrote. */
export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs a program to its end; one that does not end is killed when the test is over. */
export async function runProgram(
  program: string,
  args: string[],
  environment: Record<string, string> = {},
): Promise<Ended> {
  const child = spawn(program, args, {
    env: { ...process.env, ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (chunk) => (stdout += chunk));
  child.stderr.on("data", (chunk) => (stderr += chunk));
  const [code] = await once(child, "close");
  assertNoKey("Standard error", stderr);
  return { code, stdout, stderr };
}

/**
 * Runs a command to its end.
 * @param program what node is given: the built commands, unless told otherwise
 */
export function runCommand(
  args: string[],
  environment: Record<string, string> = {},
  program = ["dist/server/cli.js"],
): Promise<Ended> {
  return runProgram(process.execPath, [...program, ...args], environment);
}

/** Runs a server that ends by itself. */
export function runServer(environment: Record<string, string>): Promise<Ended> {
  return runProgram(process.execPath, ["dist/server/main.js"], { ...serverEnvironment, ...environment });
}

/** Makes a key as the operator does, for a server in a process of its own. */
export async function createKeyByCommand(databaseUrl: string): Promise<string> {
  const { code, stdout, stderr } = await runCommand(
    ["keys", "create", "--company", "acme", "--scopes", bothScopes.join(",")],
    { DATABASE_URL: databaseUrl },
  );
  if (code !== 0) throw new Error(stderr);
  return stdout.trim();
}

/**
 * Packs the package, as it was built, and installs it in a folder as npm would, but with its dependencies
 * linked, and no other package: no registry is asked. Returns the files of the package.
 */
export function installPackage(folder: string): string[] {
  const { name, dependencies } = JSON.parse(readFileSync("package.json", "utf8"));
  const pack = `npm pack --json --ignore-scripts --pack-destination ${folder}`;
  const [{ filename, files }] = JSON.parse(execSync(pack, { encoding: "utf8", stdio: "pipe" }));
  const modules = join(folder, "node_modules");
  mkdirSync(join(modules, name), { recursive: true });
  for (const dependency of Object.keys(dependencies)) {
    // One with a scope is in a folder of it.
    mkdirSync(dirname(join(modules, dependency)), { recursive: true });
    symlinkSync(join(process.cwd(), "node_modules", dependency), join(modules, dependency));
  }
  writeFileSync(join(folder, "package.json"), JSON.stringify({ dependencies: { [name]: "*" } }));
  // `rebuild` links the commands of a package that is there.
  const steps = `tar -xzf ${filename} -C node_modules/${name} --strip-components=1 && npm rebuild --ignore-scripts`;
  execSync(steps, { cwd: folder, stdio: "pipe" });
  return files.map(({ path }: { path: string }) => path);
}
