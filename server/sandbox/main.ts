/**
 * `npm run sandbox`: the server on a database in memory, with the same data at each start and a known key for
 * each case. The responses of special keys are simulated here, outside the server, which is unaware of them.
 */
import "../requireNode.ts";
import "../compileCache.ts";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import express, { type Express, type Request, type Response } from "express";
import pino from "pino";
import { parseBearerToken } from "../apiKeys.ts";
import { createApp } from "../app.ts";
import { ConfigError, readConfig } from "../config.ts";
import { basePath } from "../contract.ts";
import { connectDatabase } from "../database/connect.ts";
import type { Database, Statement } from "../database/database.ts";
import { UnavailableError } from "../errors.ts";
import { createServer } from "../httpServer.ts";
import { createLog } from "../log.ts";
import { fillSandbox, sandboxKeys } from "./data.ts";
import { createPage, keyList, pagePolicy } from "./page.ts";
import { pageStyle } from "./pageStyle.ts";
import { createRecentRequests } from "./recentRequests.ts";

const { port, host, logLevel, logFormat } = readSandboxConfig();
const log = await createLog({ logLevel, logFormat }, pino.destination(1));
const database = await connectDatabase({ url: "sqlite::memory:" });
await fillSandbox(database);

let isStopping = false;
const normal = createSandboxApp(database);
/** The keys whose requests go to another application. */
const otherApps = new Map<string | undefined, Express>([
  [sandboxKeys.limited.key, createSandboxApp(database, 5)],
  [
    sandboxKeys.broken.key,
    createSandboxApp(createFailingDatabase(database, () => new Error("simulated by the sandbox"))),
  ],
  [
    sandboxKeys.unavailable.key,
    createSandboxApp(
      createFailingDatabase(
        database,
        () =>
          new UnavailableError("sandbox", { cause: new Error("unavailability simulated by the sandbox") }),
      ),
    ),
  ],
]);
const app = express();
app.disable("x-powered-by");
app.enable("strict routing");
const recent = createRecentRequests();
app.get("/", sendPage);
app.get("/sandbox/requests", recent.stream);
app.get("/sandbox/page.css", (_request, response) => send(response, "text/css", pageStyle));
for (const script of ["pageScript.js", "codeSamples.js"]) {
  const content = readFileSync(new URL(script, import.meta.url));
  app.get(`/sandbox/${script}`, (_request, response) => send(response, "text/javascript", content));
}
app.use((request, response, next) => {
  if (request.path.startsWith(basePath)) recent.record(request, response);
  const other = otherApps.get(parseBearerToken(request.headers.authorization));
  (other ?? normal)(request, response, next);
});

const server = createServer(app, { log });
server.on("error", (error) => {
  log.fatal({ err: error }, "cannot listen");
  process.exit(1);
});
server.listen(port, host);
await once(server, "listening");
for (const signal of ["SIGTERM", "SIGINT"] as const) {
  process.once(signal, async () => {
    isStopping = true;
    recent.close();
    await server.stop({ lingerInMilliseconds: 0, graceInMilliseconds: 10_000 });
    await database.close();
    process.exit(0);
  });
}
const { port: listeningPort } = server.address() as AddressInfo;
const url = createUrl(host);
log.info({ url }, "listening");
// In a container, the server listens on every address, and the port is published on the host.
const pageUrl = createUrl(["0.0.0.0", "::"].includes(host) ? "127.0.0.1" : host);
console.log(`
Sandbox: its data is the same at each start, and gone when it stops. Its API keys:

${keyList}
Requests to try with them: ${pageUrl}/
`);

function createUrl(hostname: string): string {
  return `http://${hostname.includes(":") ? `[${hostname}]` : hostname}:${listeningPort}`;
}

function createSandboxApp(appDatabase: Database, requestsPerMinute = 600): Express {
  return createApp({ database: appDatabase, log, requestsPerMinute, isStopping: () => isStopping });
}

/** Wraps a database so that statements on customers fail, but keys are still found. */
function createFailingDatabase(working: Database, failure: () => Error): Database {
  const usesCustomers = ({ sql }: Statement<unknown>) => /\bcustomers\b/.test(sql);
  return {
    ...working,
    async read(statement, values, options) {
      if (usesCustomers(statement)) throw failure();
      return working.read(statement, values, options);
    },
    async write(steps) {
      if (steps.some(({ statement }) => usesCustomers(statement))) throw failure();
      return working.write(steps);
    },
  };
}

function sendPage({ headers }: Request, response: Response): void {
  send(response, "text/html", createPage(`http://${headers.host}`));
}

/** Sends a page or one of its files. They differ between versions of the sandbox, so they are not cached. */
function send(response: Response, type: string, content: string | Buffer): void {
  response
    .writeHead(200, {
      "Content-Type": `${type}; charset=utf-8`,
      "Content-Length": Buffer.byteLength(content),
      "Content-Security-Policy": pagePolicy,
      "X-Content-Type-Options": "nosniff",
      "Cache-Control": "no-cache",
    })
    .end(content);
}

function readSandboxConfig() {
  try {
    const { PORT, HOST, LOG_LEVEL, LOG_FORMAT } = process.env;
    return readConfig({ PORT, HOST, LOG_LEVEL, LOG_FORMAT });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    console.error(error.message);
    process.exit(1);
  }
}
