/** How often each fault occurs: in the full run, and in the short run of CI. */
const counts = {
  /** How many times the server is killed, and how many responses arrive before each kill. */
  KILLS: [200, 8],
  WRITES_PER_KILL: [100, 60],
  /** How many times PostgreSQL itself is killed. */
  POSTGRES_KILLS: [20, 2],
  /** Writes before the primary is killed, and after the standby is promoted. */
  FAILOVER_WRITES: [2_000, 200],
  /** Writes whose log is then cut at every position. */
  POWER_LOSS_WRITES: [120, 12],
  RESTARTS: [100, 2],
  LOCKED_SECONDS: [10, 3],
  /** Customers created under each state of the clock. */
  CLOCK_CUSTOMERS: [400, 80],
  HISTORY_OPERATIONS: [10_000, 2_000],
};

/** Whether this is the short run, as in CI. */
const isShort = process.env.FAULTS_FORM === "short";

/**
 * Returns the time limit of a test for a promised time, both in milliseconds. In the short run, it is four times as
 * long, because CI machines also do other work. That still detects waits without end, and the measured time is printed.
 */
export function findLimit(promisedMilliseconds: number): number {
  return isShort ? 4 * promisedMilliseconds : promisedMilliseconds;
}

/** Returns one of the counts, or the value of the environment variable `FAULTS_<name>`. */
export function count(name: keyof typeof counts): number {
  const [full, short] = counts[name] as [number, number];
  return Number(process.env[`FAULTS_${name}`] ?? (isShort ? short : full));
}
