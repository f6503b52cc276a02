/** How much is sent: in the full form, and in the short form that CI runs. */
const counts = {
  /** Generated requests of each operation, on each engine. */
  REQUESTS: [50_000, 1_500],
  /** Generated requests between two readings of the memory. */
  MEMORY_REQUESTS: [100_000, 8_000],
  SLOW_SOCKETS: [500, 500],
  /** Connections that do not read. */
  SLOW_READERS: [100, 20],
  WRONG_KEYS: [10_000, 2_000],
  /** Lists in one packet: five fewer than the limit of a minute. */
  PIPELINED_LISTS: [595, 200],
  /** Requests without a live key on each connection. */
  PIPELINED_KEYS: [10_000, 4_000],
  PIPELINING_SECONDS: [10, 3],
  /** Customers of the company that searches, and the number of its searches. */
  SEARCHED_CUSTOMERS: [50_000, 15_000],
  SEARCHES: [600, 100],
  /** Bodies that take long to parse and validate. */
  LARGE_BODIES: [5_000, 500],
  LARGE_BODIES_AT_ONCE: [100, 40],
  /** Bodies of tiny chunks. */
  CHUNKED_BODIES: [500, 100],
  OVERLOAD_SECONDS: [60, 8],
  /** Lines of 15 KB written to a pipe that nobody reads. */
  UNREAD_LOG_LINES: [3_000, 300],
  /** Creates of the largest possible customer. */
  LARGEST_CREATES: [3_000, 400],
  /** Times that each of two responses is timed. */
  TIMINGS: [20_000, 300],
};

/** Returns one of the counts, or the value of the variable `HOSTILE_<name>` if it is set. */
export function count(name: keyof typeof counts): number {
  const [full, short] = counts[name] as [number, number];
  return Number(process.env[`HOSTILE_${name}`] ?? (isFull ? full : short));
}

export const isFull = process.env.HOSTILE_FORM === "full";
