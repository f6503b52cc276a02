/** Starts the server: environment, database, first run, listening; stops it on SIGTERM. */
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import pino from "pino";
import { createApp } from "./app.ts";
import { ConfigError, readConfig } from "./config.ts";
import { createServer } from "./connections.ts";
import { connectDatabase } from "./database/connect.ts";
import { loggable, UnavailableError } from "./errors.ts";
import { createDemo, welcomeText } from "./firstRun.ts";
import { isoTime } from "./isoTime.ts";

/** How long requests that are being answered may still take after SIGTERM. */
const graceInMilliseconds = 10_000;

/** How often the start tries to reach the database, a second apart. */
const connectAttempts = 30;

const config = configuration();
// Lines leave in bundles, at least ten times a second: a system call for each would cost as much as
// all the rest of the logging.
const log = pino(
  { level: config.logLevel, base: null, timestamp: () => `,"time":"${isoTime(Date.now())}"` },
  pino.destination({ sync: false, minLength: 4_096, periodicFlush: 100 }),
);
const database = await connected();

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

/** The database; tries again for half a minute, as it may be starting too. */
async function connected() {
  for (let attempt = 1; ; attempt++) {
    try {
      return await connectDatabase(config.database);
    } catch (error) {
      const err = loggable(error instanceof UnavailableError ? error.cause : error);
      if (!(error instanceof UnavailableError) || attempt === connectAttempts) {
        log.fatal({ err }, "cannot open the database");
        process.exit(1);
      }
      log.warn(
        { err, attempt, of: connectAttempts },
        "cannot open the database yet, trying again in a second",
      );
      await sleep(1_000);
    }
  }
}

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
