/**
 * Where the log goes: standard output, which nobody may read, and whose disk may be full. Neither delays a request
 * or the stop of the server, and neither ends the process.
 */
import fs from "node:fs";
import { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** Text that waits to be written, beyond which lines are dropped, in UTF-16 code units. */
const maxWaiting = 1_000_000;

/** Lines are written in batches: a system call for each would cost as much as all the rest of the logging. */
const batch = { size: 4_096, intervalInMilliseconds: 100 };

/** How long after a failure the next attempt is made. */
const retryInMilliseconds = 500;

/** A destination for pino. */
export interface LogDestination {
  write(line: string): void;
  /** Lines that were dropped since startup. */
  droppedLines(): number;
  /** Resolves once everything is written, at the latest after these milliseconds. */
  flush(timeoutInMilliseconds: number): Promise<void>;
  /** Writes what it can at once, and then nothing any more. */
  close(): void;
}

/**
 * Opens standard output for a log.
 * @param onRecovery called when a line is written again after others were dropped, with their number
 */
export function openLogDestination(onRecovery: (droppedLines: number) => void): LogDestination {
  let waiting = "";
  let waitingLines = 0;
  /** The rest of a batch that was written in part. */
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
    if (!rest) {
      waiting = "";
      waitingLines = 0;
    }
    rest = undefined;
    return bytes;
  }

  function startWrite(): void {
    clearTimeout(timer);
    timer = undefined;
    if (isWriting) return;
    if (!rest && waiting === "") return void flushed?.();
    isWriting = true;
    const lines = rest ? 1 : waitingLines;
    const bytes = takeBatch();
    writeSome(bytes, (error, written) => {
      isWriting = false;
      hasFailed = Boolean(error);
      if (written < bytes.length) rest = bytes.subarray(written);
      if (error) {
        // What a pipe without a reader took is lost; its next reader shall not begin in the middle of a line.
        if (error.code === "EPIPE") {
          dropped += lines;
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
      // Standard output does not block where it may have to wait: see openStandardOutput.
      while (rest || waiting !== "") {
        const bytes = takeBatch();
        const written = fs.writeSync(1, bytes);
        if (written < bytes.length) rest = bytes.subarray(written);
      }
    } catch {
      // Nobody can be told.
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
      waitingLines += 1;
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

/** Writes bytes; calls back with how many of them were written, and why not all. */
type WriteSome = (
  bytes: Buffer,
  done: (error: NodeJS.ErrnoException | null | undefined, written: number) => void,
) => void;

function openStandardOutput(): WriteSome {
  const { stdout } = process;
  // A pipe or a socket may have no reader for hours. Node opens both with O_NONBLOCK and waits in the event loop;
  // a write on a thread would keep that thread, and the process from exiting.
  if (stdout instanceof Socket && !stdout.isTTY) {
    // Each write gets its error too.
    stdout.on("error", () => {});
    return (bytes, done) => stdout.write(bytes, (error) => done(error, error ? 0 : bytes.length));
  }
  return (bytes, done) => fs.write(1, bytes, (error, written = 0) => done(error, written));
}
