/** Memory of a server's process. */
import { readFileSync } from "node:fs";
import type { SpawnedServer } from "../support/processes.ts";

/** Returns the peak of a process's resident memory, in megabytes. */
export function readPeakMemory({ process: { pid } }: SpawnedServer): number {
  const kilobytes = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Number(kilobytes) / 1024;
}
