/**
 * The signals of the process. They are caught as soon as this module is loaded, while the others still load: by default
 * each of them kills the process without a log line, but SIGUSR1, which starts Node's inspector.
 */

/** Signals to stop: of supervisors, of Ctrl-C, and of a terminal that closes. */
export const stopSignals: readonly NodeJS.Signals[] = ["SIGTERM", "SIGINT", "SIGHUP"];

const early: NodeJS.Signals[] = [];
let handle: (signal: NodeJS.Signals) => void = (signal) => early.push(signal);
for (const signal of [...stopSignals, "SIGUSR1", "SIGUSR2"])
  process.on(signal, () => handle(signal as NodeJS.Signals));

/** Sets the listener of all signals, and calls it for those that have arrived before. */
export function onSignal(listener: (signal: NodeJS.Signals) => void): void {
  handle = listener;
  for (const signal of early.splice(0)) listener(signal);
}
