/**
 * Exits with one line if Node is older than package.json's `engines` requires. Every program imports it first, because
 * imports run in order: before Node 22.14, which introduced Node-API 10, better-sqlite3 13 crashes the process when it
 * opens a database (WiseLibs/better-sqlite3#1514), although its own `engines` allow Node 22. All modules are linked
 * before the first one runs, so exports that Node 18 lacks are never imported by name: `crypto.hash`, not `{ hash }`.
 */
import { createRequire } from "node:module";

const { engines } = createRequire(import.meta.url)("#package.json");
const [major = 0, minor = 0] = parseNumbers(engines.node);
const [runningMajor = 0, runningMinor = 0] = parseNumbers(process.versions.node);
if (runningMajor < major || (runningMajor === major && runningMinor < minor)) {
  console.error(
    `Node ${major}.${minor} or newer is required; this is ${process.version} (${process.execPath}).`,
  );
  process.exit(1);
}

/** Parses the numbers in a version or a lower bound such as `>=22.14`. */
function parseNumbers(version: string): number[] {
  return (version.match(/\d+/g) ?? []).map(Number);
}
