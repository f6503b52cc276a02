/**
 * Exits with one line where Node is older than package.json's `engines` asks for. The first import of every
 * program, as imports run in their order: on Node 20 the next ones crash the process in better-sqlite3. All are
 * linked before the first runs, so what Node 18 lacks is never imported by name: `crypto.hash`, not `{ hash }`.
 */
import { createRequire } from "node:module";

const { engines } = createRequire(import.meta.url)("#package.json");
const [major = 0, minor = 0] = numbers(engines.node);
const [runningMajor = 0, runningMinor = 0] = numbers(process.versions.node);
if (runningMajor < major || (runningMajor === major && runningMinor < minor)) {
  console.error(
    `Node ${major}.${minor} or newer is required; this is ${process.version} (${process.execPath}).`,
  );
  process.exit(1);
}

/** The numbers of a version or of a lower bound, such as `>=22.12`. */
function numbers(version: string): number[] {
  return (version.match(/\d+/g) ?? []).map(Number);
}
