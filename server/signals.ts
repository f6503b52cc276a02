/**
 * The signals of the process. They are caught as soon as this module is loaded, while the others are still loading: by
 * default, each would kill the process without a log line, except SIGUSR1, which would start Node's inspector.
 */

/** Signals to stop: from supervisors, from Ctrl-C, and from a terminal that closes. */
export const stopSignals: readonly NodeJS.Signals[] = ["SIGTERM", "SIGINT", "SIGHUP"];

const early: NodeJS.Signals[] = [];
let handle: (signal: NodeJS.Signals) => void = (signal) => early.push(signal);
for (const signal of [...stopSignals, "SIGUSR1", "SIGUSR2"])
  process.on(signal, () => handle(signal as NodeJS.Signals));

/** Sets the listener for all signals, and calls it for those that have already arrived. */
export function onSignal(listener: (signal: NodeJS.Signals) => void): void {
  handle = listener;
  for (const signal of early.splice(0)) listener(signal);
}
