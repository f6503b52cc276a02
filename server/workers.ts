/** Several processes on one port: a primary that serves nothing, and workers that it starts. */
import cluster, { type Worker } from "node:cluster";
import { once } from "node:events";
import type { Logger } from "pino";
import { RateLimiterClusterMaster } from "rate-limiter-flexible";

/** How long a worker that has died is not replaced, so that one that cannot live does not spin. */
const pauseInMilliseconds = 1_000;

/**
 * Starts workers, each of which runs this program again, and replaces those that die. Resolves once
 * all of them listen.
 * @returns what stops them: it resolves when each has finished what it had begun
 * @throws {Error} when one ends before it listens
 */
export async function startWorkers(count: number, log: Logger): Promise<() => Promise<void>> {
  // Keeps the counts of the rate limits that the workers share where the database does not.
  new RateLimiterClusterMaster();
  let stopping = false;

  async function start(): Promise<Worker> {
    const worker = cluster.fork();
    // What could not be sent to it: it is dying, and its exit says so.
    worker.on("error", () => {});
    const [code] = await Promise.race([once(worker, "listening").then(() => []), exitOf(worker)]);
    if (code !== undefined) throw new Error(`A worker ended with ${code} before it listened`);
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

  await Promise.all(Array.from({ length: count }, start));
  return async () => {
    stopping = true;
    const workers = Object.values(cluster.workers ?? {}).filter((worker) => worker !== undefined);
    // Node keeps a worker that was killed while connections were on their way to it: it never exits again.
    const alive = workers.filter((worker) => !worker.isDead());
    await Promise.all(
      alive.map(async (worker) => {
        const exited = exitOf(worker);
        worker.process.kill("SIGTERM");
        await exited;
      }),
    );
  };
}

/** Resolves with exit code and signal. Unlike `once`, it does not reject on an error of the worker before. */
function exitOf(worker: Worker): Promise<[number | null, string | null]> {
  return new Promise((resolve) => {
    worker.once("exit", (code, signal) => resolve([code, signal]));
  });
}
