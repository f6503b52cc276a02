/**
 * A rate limiter that several processes share through PostgreSQL. An upsert for each request would cost 47 % more CPU
 * time, so each process counts locally and settles its counts with the database in batches.
 *
 * A process admits requests on its own while at most 2 % of the limit is unsettled and it knows of at most 90 % in
 * total. All other requests, including the first of a window, wait for the batch that counts them, which gives each its
 * own position in the window. So each process exceeds a limit by at most 2 %, and limits below 50 are never exceeded.
 */
import type { Database } from "./database/database.ts";
import { named } from "./database/statement.ts";

/** How often counts are settled while there are any, in milliseconds. */
const settleIntervalInMilliseconds = 100;

/**
 * Up to these shares of the limit, a process admits requests on its own: points known in total, and unsettled points.
 */
const ownAdmission = { known: 0.9, unsettled: 0.02 };

/** How often expired rows are deleted, in milliseconds. */
const cleanupIntervalInMilliseconds = 60_000;

/** The usage of a limit. */
export interface Usage {
  /** Points consumed in this window; if this exceeds the limit, the request is rejected. */
  consumed: number;
  millisecondsUntilReset: number;
}

/** Counts points by name, in windows that start with their first point. */
export interface RateLimiter {
  /**
   * Consumes points; 0 only reads the usage.
   * @throws {UnavailableError} when the count must be settled and cannot be
   */
  consume(name: string, points: number): Promise<Usage>;
}

interface Waiting {
  points: number;
  resolve(usage: Usage): void;
  reject(error: unknown): void;
}

interface Window {
  /** The points of all processes, as of the last batch. */
  settled: number;
  /** The points of this process since then, including those of the batch in flight. */
  unsettled: number;
  /** The points of this process that are admitted and not in a batch yet. */
  pending: number;
  /** Requests waiting for the next batch. */
  waiting: Waiting[];
  /** Whether a batch has returned the points of this window. */
  isKnown: boolean;
  /** When it ends, in terms of performance.now(). */
  endsAt: number;
}

/**
 * @param prefix prefix of this limiter's names in `rate_limits`, a table that all limiters share
 * @param limit points per window
 */
export function createSharedRateLimiter(
  { knex, prepare, write }: Database,
  { prefix, limit, windowInMilliseconds }: { prefix: string; limit: number; windowInMilliseconds: number },
): RateLimiter {
  const windows = new Map<string, Window>();
  let isSettling = false;
  let timer: NodeJS.Timeout | undefined;
  let cleanedAt = performance.now();

  // Only the database's clock is used, because the clocks of the processes may differ. If it has been set back, a
  // window that would last too long is restarted.
  const now = "(extract(epoch from clock_timestamp()) * 1000)::bigint";
  const hasExpired = `rate_limits.expire <= ${now} or rate_limits.expire > ${now} + ${windowInMilliseconds}`;
  const settlement = prepare<{ key: string; points: number; remaining: number }>(
    knex.raw(
      `insert into rate_limits (key, points, expire)
       select key, points, ${now} + ${windowInMilliseconds}
       from json_to_recordset(?::json) as counts (key text, points integer)
       order by key
       on conflict (key) do update set
         points = case when ${hasExpired} then excluded.points else rate_limits.points + excluded.points end,
         expire = case when ${hasExpired} then excluded.expire else rate_limits.expire end
       returning key, points, expire - ${now} as remaining`,
      [named("counts")],
    ),
  );
  const cleanup = prepare<{ key: string }>(
    knex("rate_limits").whereRaw(`expire < ${now} - ${windowInMilliseconds}`).delete().returning("key"),
  );

  function schedule(): void {
    timer ??= setTimeout(settle, settleIntervalInMilliseconds).unref();
  }

  /** Settles all counts so far in one statement; counts that arrive meanwhile wait for the next one. */
  async function settle(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    if (isSettling) return;
    isSettling = true;
    const batch = [...windows]
      .filter(([, { pending, waiting }]) => pending > 0 || waiting.length > 0)
      .map(([name, window]) => {
        const { pending, waiting } = window;
        window.pending = 0;
        window.waiting = [];
        return { name, window, pending, waiting };
      });
    try {
      if (batch.length > 0) await settleBatch(batch);
    } catch (error) {
      for (const { window, pending, waiting } of batch) {
        window.pending += pending;
        window.unsettled -= sumPoints(waiting);
        for (const { reject } of waiting) reject(error);
      }
    }
    isSettling = false;
    removeEnded();
    if ([...windows.values()].some(({ waiting }) => waiting.length > 0)) void settle();
    else if ([...windows.values()].some(({ pending }) => pending > 0)) schedule();
  }

  async function settleBatch(
    batch: { name: string; window: Window; pending: number; waiting: Waiting[] }[],
  ): Promise<void> {
    const counts = batch.map(({ name, pending, waiting }) => ({
      key: prefix + name,
      points: pending + sumPoints(waiting),
    }));
    const result = await write([{ statement: settlement, values: { counts: JSON.stringify(counts) } }]);
    if (!("rows" in result)) throw new Error("PostgreSQL settled none of the counts");
    const settled = new Map(result.rows[0].map((row) => [row.key, row]));
    for (const { name, window, pending, waiting } of batch) {
      const row = settled.get(prefix + name);
      if (!row) throw new Error("PostgreSQL did not settle all counts");
      window.settled = row.points;
      window.unsettled -= pending + sumPoints(waiting);
      window.isKnown = true;
      window.endsAt = performance.now() + row.remaining;
      // Each waiting request gets its own position in the window.
      let consumed = row.points - sumPoints(waiting);
      for (const { points, resolve } of waiting) {
        consumed += points;
        resolve({ consumed, millisecondsUntilReset: row.remaining });
      }
    }
  }

  function removeEnded(): void {
    const time = performance.now();
    for (const [name, { endsAt, pending, waiting }] of windows)
      if (endsAt <= time && pending === 0 && waiting.length === 0) windows.delete(name);
    if (time - cleanedAt < cleanupIntervalInMilliseconds) return;
    cleanedAt = time;
    // A failed cleanup does not affect any request.
    write([{ statement: cleanup, values: {} }]).catch(() => {});
  }

  return {
    async consume(name, points) {
      const time = performance.now();
      let window = windows.get(name);
      if (points === 0 && (!window || window.endsAt <= time))
        return { consumed: 0, millisecondsUntilReset: windowInMilliseconds };
      const endsAt = time + windowInMilliseconds;
      if (!window) {
        window = { settled: 0, unsettled: 0, pending: 0, waiting: [], isKnown: false, endsAt };
        windows.set(name, window);
      } else if (window.endsAt <= time) Object.assign(window, { settled: 0, isKnown: false, endsAt });
      const consumed = window.settled + window.unsettled + points;
      const millisecondsUntilReset = window.endsAt - time;
      const isRejected = window.isKnown && consumed - points > limit;
      if (points === 0 || isRejected) return { consumed, millisecondsUntilReset };
      window.unsettled += points;
      if (
        window.isKnown &&
        consumed <= limit * ownAdmission.known &&
        window.unsettled <= limit * ownAdmission.unsettled
      ) {
        window.pending += points;
        schedule();
        return { consumed, millisecondsUntilReset };
      }
      const { waiting } = window;
      return new Promise((resolve, reject) => {
        waiting.push({ points, resolve, reject });
        void settle();
      });
    },
  };
}

function sumPoints(waiting: Waiting[]): number {
  return waiting.reduce((sum, { points }) => sum + points, 0);
}
