/**
 * Writes the log to standard output. A missing reader or a full disk neither delays requests or the shutdown, nor
 * terminates the process.
 */
import fs from "node:fs";
import { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** The maximum length of text waiting to be written, in UTF-16 code units; further lines are dropped. */
const maxWaiting = 1_000_000;

/** Lines are written in batches: one system call per line would cost as much as all other logging work. */
const batch = { size: 4_096, intervalInMilliseconds: 100 };

/** The delay before retrying a failed write. */
const retryInMilliseconds = 500;

/** A destination for pino. */
export interface LogDestination {
  write(line: string): void;
  /** The number of lines dropped since startup. */
  droppedLines(): number;
  /** Resolves once everything is written, or after the timeout. */
  flush(timeoutInMilliseconds: number): Promise<void>;
  /** Writes what it can immediately, for an application that stops using the API. Nothing may be logged afterwards. */
  close(): void;
}

/**
 * Opens standard output for a log.
 * @param onRecovery called when writing works again after lines were dropped, with their number
 */
export function openLogDestination(onRecovery: (droppedLines: number) => void): LogDestination {
  let waiting = "";
  /** The remainder of a partially written batch. */
  let rest: Buffer | undefined;
  let isWriting = false;
  let hasFailed = false;
  let timer: NodeJS.Timeout | undefined;
  let dropped = 0;
  let reported = 0;
  let flushed: (() => void) | undefined;
  const writeSome = openStandardOutput();

  function schedule(milliseconds: number): void {
    timer ??= setTimeout(startWrite, milliseconds).unref();
  }

  function takeBatch(): Buffer {
    const bytes = rest ?? Buffer.from(waiting);
    if (!rest) waiting = "";
    rest = undefined;
    return bytes;
  }

  function startWrite(): void {
    clearTimeout(timer);
    timer = undefined;
    if (isWriting) return;
    if (!rest && waiting === "") return void flushed?.();
    isWriting = true;
    const bytes = takeBatch();
    writeSome(bytes, (error, written) => {
      isWriting = false;
      hasFailed = Boolean(error);
      if (written < bytes.length) rest = bytes.subarray(written);
      if (error) {
        // Text in a pipe without a reader is lost, and the next reader must not start in the middle of a line.
        if (error.code === "EPIPE") {
          dropped += bytes.toString("latin1").split("\n").length - 1;
          rest = undefined;
        }
        return schedule(retryInMilliseconds);
      }
      if (dropped > reported && !rest) {
        const count = dropped - reported;
        reported = dropped;
        onRecovery(count);
      }
      if (rest || waiting.length >= batch.size || flushed) startWrite();
      else if (waiting !== "") schedule(batch.intervalInMilliseconds);
    });
  }

  function writeAtExit(): void {
    try {
      // A pipe or socket does not block here: see openStandardOutput.
      while (rest || waiting !== "") {
        const bytes = takeBatch();
        const written = fs.writeSync(1, bytes);
        if (written < bytes.length) rest = bytes.subarray(written);
      }
    } catch {
      // There is no way left to report it.
    }
  }
  process.on("exit", writeAtExit);

  return {
    write(line) {
      if (waiting.length + line.length > maxWaiting) {
        dropped += 1;
        return;
      }
      waiting += line;
      if (waiting.length >= batch.size && !isWriting && !hasFailed) startWrite();
      else schedule(batch.intervalInMilliseconds);
    },
    droppedLines: () => dropped,
    async flush(timeoutInMilliseconds) {
      const written = new Promise<void>((resolve) => {
        flushed = resolve;
      });
      startWrite();
      await Promise.race([written, sleep(timeoutInMilliseconds)]);
      flushed = undefined;
    },
    close() {
      clearTimeout(timer);
      process.off("exit", writeAtExit);
      writeAtExit();
    },
  };
}

/** Writes bytes. Calls back with the number of bytes written, and the error if not all were. */
type WriteSome = (
  bytes: Buffer,
  done: (error: NodeJS.ErrnoException | null | undefined, written: number) => void,
) => void;

function openStandardOutput(): WriteSome {
  const { stdout } = process;
  // A pipe or socket may have no reader for hours. Node opens both with O_NONBLOCK and waits in the event loop; a write
  // in the thread pool would block its thread and keep the process from exiting.
  if (stdout instanceof Socket && !stdout.isTTY) {
    // Each write reports its own error.
    stdout.on("error", () => {});
    return (bytes, done) => stdout.write(bytes, (error) => done(error, error ? 0 : bytes.length));
  }
  return (bytes, done) => fs.write(1, bytes, (error, written = 0) => done(error, written));
}
