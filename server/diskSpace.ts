/** Monitors the free disk space for a SQLite database: on a full disk, every write gets a 503. */
import { statfs } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import type { Logger } from "pino";

const minuteInMilliseconds = 60_000;

/** The interval at which a warning is repeated. */
const minutesBetweenWarnings = 60;

/**
 * Space is low if less than a tenth of the disk and less than 5 GB are free. One API key can fill 5 GB in eight hours.
 */
const lowSpace = { share: 0.1, bytes: 5e9 };

/** Reads the size of the disk that contains a file, and the space that the server can still use. */
export async function readDiskSpace(file: string): Promise<{ freeBytes: number; totalBytes: number }> {
  const { bsize, bavail, blocks } = await statfs(dirname(resolve(file)));
  return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
}

/** Logs warnings while disk space for a SQLite database is low. Returns a function that stops monitoring. */
export function watchDiskSpace(file: string, log: Logger): () => void {
  let minutes = 0;
  async function checkSpace(): Promise<void> {
    const { freeBytes, totalBytes } = await readDiskSpace(file);
    if (freeBytes >= Math.min(lowSpace.bytes, lowSpace.share * totalBytes)) minutes = 0;
    else if (minutes++ % minutesBetweenWarnings === 0)
      log.warn({ freeBytes, totalBytes }, "the disk of the database is nearly full");
  }
  // If the directory is gone, requests fail and log the cause.
  const check = () => void checkSpace().catch(() => {});
  check();
  const timer = setInterval(check, minuteInMilliseconds).unref();
  return () => clearInterval(timer);
}
