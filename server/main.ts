/** Starts the server: environment, database, first run, listening; stops it on SIGTERM. */
import type { AddressInfo } from "node:net";
import pino from "pino";
import { createApp } from "./app.ts";
import { ConfigError, readConfig } from "./config.ts";
import { createServer } from "./connections.ts";
import { connectDatabase } from "./database/connect.ts";
import { createDemo, welcomeText } from "./firstRun.ts";

/** How long requests that are being answered may still take after SIGTERM. */
const graceInMilliseconds = 10_000;

const config = configuration();
const log = pino({
  level: config.logLevel,
  base: null,
  timestamp: pino.stdTimeFunctions.isoTime,
});
const database = await connectDatabase(config.databaseUrl).catch((error) => {
  log.fatal({ err: error }, "cannot open the database");
  process.exit(1);
});

let stopping = false;
const server = createServer(
  createApp({
    database,
    log,
    requestsPerMinute: config.requestsPerMinute,
    isStopping: () => stopping,
  }),
  log,
);
server.on("error", (error) => {
  log.fatal({ err: error }, "cannot listen");
  process.exit(1);
});
server.listen(config.port, config.host, async () => {
  const { port } = server.address() as AddressInfo;
  const host = config.host.includes(":") ? `[${config.host}]` : config.host;
  const url = `http://${host}:${port}`;
  log.info({ url }, "listening");
  const key = config.isProduction ? undefined : await createDemo(database);
  if (key !== undefined) console.log(welcomeText(key, url));
});

/** Answers what has begun, and ends with exit code 0. */
async function stop() {
  if (stopping) return;
  stopping = true;
  log.info("stopping");
  await server.stop(graceInMilliseconds);
  await database.close();
  log.info("stopped");
  process.exit(0);
}
for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, stop);

function configuration() {
  try {
    return readConfig(process.env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    console.error(error.message);
    process.exit(1);
  }
}
