/** What a server holds in memory. */
import { readFileSync } from "node:fs";
import type { SpawnedServer } from "../support/processes.ts";

/** Resident memory of a process at its highest, in megabytes. */
export function peakMemoryOf({ process: { pid } }: SpawnedServer): number {
  const kilobytes = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Number(kilobytes) / 1024;
}
