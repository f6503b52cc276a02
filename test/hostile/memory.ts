/** Memory and CPU time of a server's process. */
import { readFileSync } from "node:fs";
import type { SpawnedServer } from "../support/processes.ts";

/** Returns the peak of a process's resident memory, in megabytes. */
export function readPeakMemory({ process: { pid } }: SpawnedServer): number {
  const kilobytes = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Number(kilobytes) / 1024;
}

/** Reads the CPU time of a process so far, in seconds. */
export function readCpuTime({ process: { pid } }: SpawnedServer): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  // In hundredths of a second, in user mode and in the kernel.
  return (Number(fields[11]) + Number(fields[12])) / 100;
}
