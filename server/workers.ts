/** Several processes on one port: a primary that handles no requests, and the workers that it starts. */
import cluster, { type Worker } from "node:cluster";
import { once } from "node:events";
import type { Logger } from "pino";
import { RateLimiterClusterMaster } from "rate-limiter-flexible";

/** The delay before a dead worker is replaced, so that a worker that always dies does not cause a busy loop. */
const pauseInMilliseconds = 1_000;

export interface Workers {
  /** Resolves once all are listening; rejects if one exits first. */
  listening: Promise<unknown>;
  /** Stops them, and resolves once all have completed their requests and exited. */
  stop(): Promise<void>;
}

/** Starts workers, each of which runs this program again, and replaces those that die. */
export function startWorkers(count: number, log: Logger): Workers {
  // Holds the rate limit counts of all workers, unless the database does.
  new RateLimiterClusterMaster();
  let stopping = false;

  async function start(): Promise<Worker> {
    const worker = cluster.fork();
    // Sending to a dying worker fails; its exit is handled below.
    worker.on("error", () => {});
    const [code] = await Promise.race([once(worker, "listening").then(() => []), waitForExit(worker)]);
    if (code !== undefined) throw new Error(`A worker exited with code ${code} before it listened`);
    worker.on("exit", (code, signal) => {
      if (stopping) return;
      log.error({ worker: worker.id, code, signal }, "a worker has died");
      setTimeout(replace, pauseInMilliseconds);
    });
    return worker;
  }

  function replace(): void {
    if (stopping) return;
    start().catch((error) => {
      if (stopping) return;
      log.error({ err: error }, "a worker could not be replaced");
      setTimeout(replace, pauseInMilliseconds);
    });
  }

  const listening = Promise.all(Array.from({ length: count }, start));
  async function stop(): Promise<void> {
    stopping = true;
    const workers = Object.values(cluster.workers ?? {}).filter((worker) => worker !== undefined);
    // Node keeps a worker that was killed while connections were being sent to it; its exit event never comes.
    const alive = workers.filter((worker) => !worker.isDead());
    await Promise.all(
      alive.map(async (worker) => {
        const exited = waitForExit(worker);
        worker.process.kill("SIGTERM");
        await exited;
      }),
    );
  }
  return { listening, stop };
}

/** Resolves with exit code and signal. Unlike `once`, it does not reject on an earlier error of the worker. */
function waitForExit(worker: Worker): Promise<[number | null, string | null]> {
  return new Promise((resolve) => {
    worker.once("exit", (code, signal) => resolve([code, signal]));
  });
}
