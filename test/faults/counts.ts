/** How often the faults happen: in the full form, and in the short one of the gate. */
const counts = {
  /** Times that a server is killed; and the answers that each kill waits for. */
  KILLS: [200, 8],
  WRITES_PER_KILL: [100, 60],
  /** Times that PostgreSQL itself is killed. */
  POSTGRES_KILLS: [20, 2],
  /** Writes before the primary is killed, and after the standby has taken its place. */
  FAILOVER_WRITES: [2_000, 200],
  /** Writes whose log is then cut everywhere. */
  POWER_LOSS_WRITES: [120, 12],
  RESTARTS: [100, 2],
  LOCKED_SECONDS: [10, 3],
  /** Customers that are created under each state of the clock. */
  CLOCK_CUSTOMERS: [400, 80],
  HISTORY_OPERATIONS: [10_000, 2_000],
};

/** Whether this is the short form, that of the gate. */
export const isShort = process.env.FAULTS_FORM === "short";

/** One of the counts, or what the variable `FAULTS_<name>` says instead. */
export function count(name: keyof typeof counts): number {
  const [full, short] = counts[name] as [number, number];
  return Number(process.env[`FAULTS_${name}`] ?? (isShort ? short : full));
}
