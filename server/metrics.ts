/** Metrics for Prometheus, on a separate port. Loaded only if that port is set. */
import cluster from "node:cluster";
import { once } from "node:events";
import http from "node:http";
import prometheus from "prom-client";
import { operations } from "./contract.ts";
import type { Database } from "./database/database.ts";
import { readDiskSpace } from "./diskSpace.ts";
import type { Exchange } from "./exchange.ts";
import type { OperationId } from "./operations.ts";

/** Upper bounds of the histograms, in seconds. */
const requestBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
const databaseBuckets = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 2.5];

export type Metrics = ReturnType<typeof createMetrics>;

/**
 * Creates the metrics of this process, including its event loop and memory.
 * @param droppedLines returns the number of log lines dropped since startup
 * @param diskFile the SQLite database whose free disk space is measured
 */
export function createMetrics({
  droppedLines,
  diskFile,
}: {
  droppedLines: () => number;
  diskFile?: string | undefined;
}) {
  const register = new prometheus.Registry();
  const registers = [register];
  prometheus.collectDefaultMetrics({ register });
  const requests = new prometheus.Counter({
    name: "http_requests_total",
    help: "Requests that got a response, or whose client closed the connection first.",
    labelNames: ["operation", "status"] as const,
    registers,
  });
  const durations = new prometheus.Histogram({
    name: "http_request_duration_seconds",
    help: "Time from the headers of a request to the end of its response.",
    labelNames: ["operation"] as const,
    buckets: requestBuckets,
    registers,
  });
  const inFlight = new prometheus.Gauge({
    name: "http_requests_in_flight",
    help: "Requests in progress.",
    registers,
  });
  const rateLimited = new prometheus.Counter({
    name: "rate_limited_requests_total",
    help: "Requests that got a 429, by limit: that of their key, or that of invalid keys from their address.",
    labelNames: ["limit"] as const,
    registers,
  });
  for (const limit of ["key", "address"] as const) rateLimited.inc({ limit }, 0);
  const databaseTime = new prometheus.Histogram({
    name: "database_duration_seconds",
    help: "Time that requests waited for the database, including for a connection or a lock.",
    labelNames: ["kind"] as const,
    buckets: databaseBuckets,
    registers,
  });
  const checked = new prometheus.Counter({
    name: "contract_checked_responses_total",
    help: "Responses that were compared with the contract.",
    registers,
  });
  const drift = new prometheus.Counter({
    name: "contract_drift_total",
    help: "Checked responses that differ from the contract; the log names the differences.",
    labelNames: ["operation"] as const,
    registers,
  });
  // Starts at zero, so that an alert sees the first difference as an increase.
  for (const operation of ["none", ...operations.map(({ operationId }) => operationId)])
    drift.inc({ operation }, 0);

  new prometheus.Counter({
    name: "log_lines_dropped_total",
    help: "Log lines dropped because standard output did not accept them.",
    registers,
    collect() {
      this.reset();
      this.inc(droppedLines());
    },
  });

  if (diskFile !== undefined) {
    new prometheus.Gauge({
      name: "database_disk_free_bytes",
      help: "SQLite: free space on the disk of the database.",
      registers,
      // Several workers measure the same disk.
      aggregator: "min",
      async collect() {
        this.set((await readDiskSpace(diskFile)).freeBytes);
      },
    });
  }

  async function measure<Result>(kind: "read" | "write", work: () => Promise<Result>): Promise<Result> {
    const end = databaseTime.startTimer({ kind });
    try {
      return await work();
    } finally {
      end();
    }
  }

  // The primary collects the metrics of its workers.
  if (cluster.isWorker) {
    prometheus.AggregatorRegistry.setRegistries(registers);
    new prometheus.AggregatorRegistry();
  }

  return {
    register,

    requestBegan(): void {
      inFlight.inc();
    },

    /** @param status undefined if the client closed the connection before the response */
    requestEnded(exchange: Exchange, status: number | undefined, seconds: number): void {
      const operation = exchange.operation?.operationId ?? "none";
      inFlight.dec();
      requests.inc({ operation, status: status ?? "aborted" });
      durations.observe({ operation }, seconds);
      if (status === 429) rateLimited.inc({ limit: exchange.key === undefined ? "address" : "key" });
    },

    /** Counts a response that is sent before Express gets the request: to invalid or slow input, or under overload. */
    requestRejected(status: number): void {
      requests.inc({ operation: "none", status });
    },

    responseChecked(operation: OperationId | undefined, isDifferent: boolean): void {
      checked.inc();
      if (isDifferent) drift.inc({ operation: operation ?? "none" });
    },

    /** Wraps a database: measures its reads and writes, and counts its connections. */
    measureDatabase(database: Database): Database {
      const { pool } = database;
      if (pool) {
        new prometheus.Gauge({
          name: "database_connections",
          help: "Open connections to PostgreSQL, and requests waiting for one.",
          labelNames: ["state"] as const,
          registers,
          collect() {
            for (const [state, count] of Object.entries(pool())) this.set({ state }, count);
          },
        });
      }
      return {
        ...database,
        read: (statement, values, options) =>
          measure("read", () => database.read(statement, values, options)),
        write: (steps, companyId) => measure("write", () => database.write(steps, companyId)),
      };
    },
  };
}

/**
 * Serves metrics at /metrics: of this process or, in a primary, aggregated over all workers.
 * @returns the port, and a function that stops serving
 * @throws {Error} when it cannot listen
 */
export async function serveMetrics(
  port: number,
  host: string,
  metrics?: Metrics,
): Promise<{ port: number; stop(): void }> {
  const workers = new prometheus.AggregatorRegistry();
  const server = http.createServer(async (request, response) => {
    if (request.url !== "/metrics") return void response.writeHead(404).end();
    const text = metrics ? metrics.register.metrics() : workers.clusterMetrics();
    await text.then(
      (body) =>
        response.writeHead(200, { "Content-Type": prometheus.Registry.PROMETHEUS_CONTENT_TYPE }).end(body),
      // A worker has died in the meantime.
      () => response.writeHead(503).end(),
    );
  });
  server.listen(port, host);
  await once(server, "listening");
  return {
    port: (server.address() as { port: number }).port,
    stop() {
      server.close();
      server.closeAllConnections();
    },
  };
}
