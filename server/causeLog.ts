/** Logs why requests fail, without a stack trace for every request while the database is down. */
import type { Logger } from "pino";

const intervalInMilliseconds = 1_000;

/** How many different causes are tracked within an interval. */
const maxCauses = 100;

export interface Cause {
  level: "warn" | "error";
  message: string;
  /** The first request with this cause. */
  requestId: string;
  err: unknown;
}

/** Logs a cause. */
export type LogCause = (cause: Cause) => void;

/** Returns a function that logs a cause immediately and, while it recurs, once a second with the number of repetitions. */
export function createCauseLog(log: Logger): LogCause {
  const repetitions = new Map<string, number>();

  function report(name: string, cause: Cause): void {
    const repeated = repetitions.get(name) ?? 0;
    repetitions.delete(name);
    if (repeated === 0) return;
    const { level, message, err } = cause;
    log[level]({ err, repeated }, message);
    watch(name, cause);
  }

  function watch(name: string, cause: Cause): void {
    repetitions.set(name, 0);
    setTimeout(report, intervalInMilliseconds, name, cause).unref();
  }

  return (cause) => {
    const { level, message, requestId, err } = cause;
    const name = `${message} ${err instanceof Error ? `${err.constructor.name} ${err.message}` : typeof err}`;
    const repeated = repetitions.get(name);
    if (repeated !== undefined) return void repetitions.set(name, repeated + 1);
    log[level]({ requestId, err }, message);
    if (repetitions.size < maxCauses) watch(name, cause);
  };
}
