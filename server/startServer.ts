/**
 * Starts the server: reads the environment, opens the database, creates demo data and listens. Stops it on a signal.
 */
import cluster from "node:cluster";
import { once } from "node:events";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { createApp } from "./app.ts";
import { startCleanup } from "./cleanup.ts";
import { checkClock, watchClock } from "./clock.ts";
import { ConfigError, readConfig } from "./config.ts";
import { connectDatabase, parseSqliteUrl } from "./database/connect.ts";
import { explainConnectError } from "./database/connectError.ts";
import { describeUrl } from "./database/describeUrl.ts";
import { createDemo, formatWelcome } from "./demo.ts";
import { watchDiskSpace } from "./diskSpace.ts";
import { createDriftCheck } from "./driftCheck.ts";
import { UnavailableError } from "./errors.ts";
import { createServer } from "./httpServer.ts";
import { createLog } from "./log.ts";
import { openLogDestination } from "./logDestination.ts";
import { findMisspelledVariables } from "./misspelledVariables.ts";
import { onSignal, stopSignals } from "./signals.ts";
import { startWorkers } from "./workers.ts";
import { limitYoungGeneration } from "./youngGeneration.ts";

/** After a signal: how long to keep serving, and when to cut all connections. Many supervisors kill after ten seconds. */
const stopTimes = { lingerInMilliseconds: 2_000, graceInMilliseconds: 9_000 };

/** How long to wait at shutdown for standard output to accept the last log lines. */
const flushTimeoutInMilliseconds = 500;

/** How many times to try to reach the database at startup, one second apart. */
const connectAttempts = 30;

// By default V8 lets the heap grow to a multiple of its live size before it collects garbage. When 64,000 pipelined
// requests were queued, which is no longer possible, this flag reduced the heap from 420 MB (30 MB of it live) to
// 270 MB, at the same CPU time.
setFlagsFromString("--heap-growing-percent=20");
limitYoungGeneration();

const config = readConfigOrExit();
const logDestination = openLogDestination((droppedLines) =>
  log.warn({ droppedLines }, "log lines were dropped because standard output did not accept them"),
);
const log = await createLog(config, logDestination);
if (cluster.isPrimary) logStart();
let isStopping = false;
/** Stops what is running; initially nothing is. */
let stop = async () => {};
onSignal((signal) => {
  // By default SIGUSR1 starts Node's inspector, which lets anyone on this machine run code.
  if (!stopSignals.includes(signal)) log.warn(`${signal} ignored`);
  else if (!isStopping) shutDown(signal);
});
// Before the workers start, so that the database is already migrated. Signal listeners run in the event loop, to which
// neither loading modules nor opening a SQLite database yields: hence a turn before and a turn after.
await nextTurn();
const database = await connect();
await nextTurn();
const startsWorkers = config.workers > 1 && cluster.isPrimary;
const monitoring = config.metricsPort === false ? undefined : await import("./metrics.ts");
const isTraced = Object.keys(process.env).some((name) => name.startsWith("OTEL_"));
const tracing = isTraced ? (await import("./tracing.ts")).tracing : undefined;
const sqliteFile = parseSqliteUrl(config.database.url);
const diskFile = sqliteFile === ":memory:" ? undefined : sqliteFile;
const { droppedLines } = logDestination;
const metrics = startsWorkers ? undefined : monitoring?.createMetrics({ droppedLines, diskFile });
const listening = startsWorkers ? await serveWithWorkers() : await serve();
const metricsServer = cluster.isPrimary ? await startMetricsServer() : undefined;
stop = async () => {
  await listening.stop();
  metricsServer?.stop();
};
if (cluster.isPrimary && diskFile !== undefined) watchDiskSpace(diskFile, log);
if (cluster.isPrimary) await announce(listening.port);

/** Completes the requests in progress, and exits. */
async function shutDown(signal: NodeJS.Signals): Promise<void> {
  isStopping = true;
  log.info({ signal }, "stopping");
  await stop();
  log.info("stopped");
  await logDestination.flush(flushTimeoutInMilliseconds);
  process.exit(0);
}

/** A listening server or group of workers. */
interface Listening {
  port: number;
  stop(): Promise<void>;
}

/** Listens in this process. Stopping completes the requests in progress. */
async function serve(): Promise<Listening> {
  const {
    requestsPerMinute,
    maxCustomersPerCompany,
    corsOrigins,
    publicUrl,
    trustProxy,
    keepAliveTimeoutInSeconds,
    driftCheckOneIn: oneIn,
  } = config;
  const driftCheck = oneIn > 0 ? await createDriftCheck(oneIn, log, metrics?.responseChecked) : undefined;
  const app = createApp({
    database,
    log,
    requestsPerMinute,
    maxCustomersPerCompany,
    corsOrigins,
    publicUrl,
    trustProxy,
    metrics,
    driftCheck,
    tracing,
    isStopping: () => isStopping,
  });
  const { isBusy: isDatabaseBusy } = database;
  const server = createServer(app, { log, metrics, keepAliveTimeoutInSeconds, isDatabaseBusy });
  server.on("error", (err) => {
    log.fatal({ err }, "cannot listen");
    process.exit(1);
  });
  // With Node's default of 511, connections of a larger burst are dropped, and their clients retry after one to three
  // seconds.
  server.listen({ port: config.port, host: config.host, backlog: 1_024 });
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const stopCleanup = startCleanup(database, log, config.auditRetentionDays);
  return {
    port,
    async stop() {
      stopCleanup();
      await server.stop(stopTimes);
      await database.close();
    },
  };
}

/** Starts workers that listen. */
async function serveWithWorkers(): Promise<Listening> {
  const firstListening = once(cluster, "listening");
  const workers = startWorkers(config.workers, log);
  stop = workers.stop;
  await workers.listening.catch((error) => {
    // The server was stopped while they were starting.
    if (isStopping) return new Promise(() => {});
    log.fatal({ err: error }, "cannot start the workers");
    process.exit(1);
  });
  const [, { port }] = await firstListening;
  return {
    port,
    async stop() {
      await workers.stop();
      await database.close();
    },
  };
}

/** Serves the metrics of this process or of its workers, if enabled. */
async function startMetricsServer() {
  if (config.metricsPort === false) return undefined;
  return monitoring?.serveMetrics(config.metricsPort, config.host, metrics).catch((error) => {
    log.fatal({ err: error }, "cannot serve metrics");
    process.exit(1);
  });
}

/** Logs the URL of the server and, on the first run, prints how to try it. */
async function announce(port: number): Promise<void> {
  const host = config.host.includes(":") ? `[${config.host}]` : config.host;
  const url = `http://${host}:${port}`;
  const metricsUrl = metricsServer && `http://${host}:${metricsServer.port}/metrics`;
  log.info({ url, metricsUrl, workers: config.workers }, "listening");
  const key = config.isProduction ? undefined : await createDemo(database);
  if (key !== undefined) console.log(formatWelcome(key, url));
}

/** Opens the database. Tries up to `connectAttempts` times, because the database may still be starting. */
async function connect() {
  for (let attempt = 1; ; attempt++) {
    try {
      return await connectDatabase({ ...config.database, warn: (message) => log.warn(message) });
    } catch (error) {
      const err = error instanceof UnavailableError ? error.cause : error;
      if (!(error instanceof UnavailableError) || attempt === connectAttempts) {
        log.fatal(
          { err, reason: explainConnectError(config.database.url, error) },
          "cannot open the database",
        );
        process.exit(1);
      }
      log.warn(
        { err, reason: explainConnectError(config.database.url, error), attempt, of: connectAttempts },
        "cannot open the database yet, retrying in one second",
      );
      await sleep(1_000);
    }
  }
}

/** Writes the first log line: version, database and limits. */
function logStart(): void {
  const { version } = createRequire(import.meta.url)("#package.json");
  const { workers, requestsPerMinute, database } = config;
  const { poolSize, statementTimeoutInMilliseconds } = database;
  const limits = { requestsPerMinute, poolSize, statementTimeoutInMilliseconds };
  log.info(
    { version, node: process.version, database: describeUrl(database.url), workers, limits },
    "starting",
  );
  const clockProblem = checkClock(Date.now());
  if (clockProblem !== undefined) log.warn(clockProblem);
  watchClock(log);
  const misspelled = findMisspelledVariables(process.env);
  if (misspelled.length > 0) log.warn(`Unknown environment variables: ${misspelled.join(", ")}`);
}

function readConfigOrExit() {
  try {
    return readConfig(process.env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    console.error(error.message);
    process.exit(1);
  }
}
