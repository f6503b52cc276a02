/**
 * `npm run sandbox`: the server on a database in memory, with the same data at each start and a known key for
 * each case. What some keys meet is arranged here, around the server, which knows nothing of it.
 */
import "../requireNode.ts";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import express, { type Express, type Request, type Response } from "express";
import pino from "pino";
import { parseBearerToken } from "../apiKeys.ts";
import { createApp } from "../app.ts";
import { ConfigError, readConfig } from "../config.ts";
import { connectDatabase } from "../database/connect.ts";
import type { Database, Statement } from "../database/database.ts";
import { UnavailableError } from "../errors.ts";
import { createServer } from "../httpServer.ts";
import { createLog } from "../log.ts";
import { fillSandbox, sandboxKeys } from "./data.ts";
import { keyList, startPage } from "./page.ts";

const { port, host, logLevel, logFormat } = configuration();
const log = await createLog({ logLevel, logFormat }, pino.destination(1));
const database = await connectDatabase({ url: "sqlite::memory:" });
await fillSandbox(database);

let isStopping = false;
const normal = createSandboxApp(database);
/** The keys that meet another server. */
const otherApps = new Map<string | undefined, Express>([
  [sandboxKeys.limited.key, createSandboxApp(database, 5)],
  [sandboxKeys.broken.key, createSandboxApp(failing(database, () => new Error("made for the sandbox")))],
  [
    sandboxKeys.unavailable.key,
    createSandboxApp(
      failing(database, () => new UnavailableError("sandbox", { cause: new Error("down, for the sandbox") })),
    ),
  ],
]);
const app = express();
app.disable("x-powered-by");
app.enable("strict routing");
app.get("/", sendStartPage);
app.use((request, response, next) => {
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
    await server.stop({ lingerInMilliseconds: 0, graceInMilliseconds: 10_000 });
    await database.close();
    process.exit(0);
  });
}
const { port: listeningPort } = server.address() as AddressInfo;
const url = `http://${host.includes(":") ? `[${host}]` : host}:${listeningPort}`;
log.info({ url }, "listening");
console.log(`\nThe sandbox. Its data is the same at each start, and gone at the end. Its keys:\n\n${keyList}
What to try with them: ${url}/\n`);

function createSandboxApp(of: Database, requestsPerMinute = 600): Express {
  return createApp({ database: of, log, requestsPerMinute, isStopping: () => isStopping });
}

/** A database that knows its keys, and fails with whatever has to do with customers. */
function failing(of: Database, failure: () => Error): Database {
  const isOfCustomers = ({ sql }: Statement<unknown>) => /\bcustomers\b/.test(sql);
  return {
    ...of,
    async read(statement, values, options) {
      if (isOfCustomers(statement)) throw failure();
      return of.read(statement, values, options);
    },
    async write(steps) {
      if (steps.some(({ statement }) => isOfCustomers(statement))) throw failure();
      return of.write(steps);
    },
  };
}

function sendStartPage({ headers }: Request, response: Response): void {
  const page = startPage(`http://${headers.host}`);
  response
    .writeHead(200, {
      "Content-Type": "text/html; charset=utf-8",
      "Content-Length": Buffer.byteLength(page),
      "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
      "X-Content-Type-Options": "nosniff",
      "Cache-Control": "no-cache",
    })
    .end(page);
}

function configuration() {
  try {
    const { PORT, HOST, LOG_LEVEL, LOG_FORMAT } = process.env;
    return readConfig({ PORT, HOST, LOG_LEVEL, LOG_FORMAT });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    console.error(error.message);
    process.exit(1);
  }
}
