/** The space on the disk of a SQLite database: once there is none, every write is a 503. */
import { statfs } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import type { Logger } from "pino";

const minuteInMilliseconds = 60_000;

/** A warning is repeated after so many minutes. */
const minutesBetweenWarnings = 60;

/** Less than both of these is little: a tenth of the disk, and 5 GB, which one API key can fill in eight hours. */
const little = { share: 0.1, bytes: 5e9 };

/** The bytes of the disk of a file, and those of them that the server may still use. */
export async function readDiskSpace(file: string): Promise<{ freeBytes: number; totalBytes: number }> {
  const { bsize, bavail, blocks } = await statfs(dirname(resolve(file)));
  return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
}

/** Warns while there is little space for a SQLite database. Returns what stops that. */
export function watchDiskSpace(file: string, log: Logger): () => void {
  let minutes = 0;
  async function look(): Promise<void> {
    const { freeBytes, totalBytes } = await readDiskSpace(file);
    if (freeBytes >= Math.min(little.bytes, little.share * totalBytes)) minutes = 0;
    else if (minutes++ % minutesBetweenWarnings === 0)
      log.warn({ freeBytes, totalBytes }, "the disk of the database is nearly full");
  }
  // Where the folder is gone, requests say so.
  const check = () => void look().catch(() => {});
  check();
  const timer = setInterval(check, minuteInMilliseconds).unref();
  return () => clearInterval(timer);
}
