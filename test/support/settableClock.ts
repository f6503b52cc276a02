/** A server whose clock a test can set. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, onTestFinished } from "vitest";
import { spawnServer } from "./processes.ts";
import { temporaryFolder } from "./temporaryFolder.ts";

/**
 * Starts a server.
 * @returns the server, and a function that sets its clock: to an offset in milliseconds, or `still`
 */
export async function spawnServerWithClock(environment: Record<string, string>) {
  const folder = temporaryFolder();
  onTestFinished(folder.remove);
  const CLOCK_FILE = join(folder.path, "clock");
  const NODE_OPTIONS = `--import=${pathToFileURL("test/support/settableClock.mjs")}`;
  const server = await spawnServer({ ...environment, CLOCK_FILE, NODE_OPTIONS });
  let settings = 0;
  async function setClock(state: number | "still"): Promise<void> {
    writeFileSync(CLOCK_FILE, String(state));
    server.process.kill("SIGUSR2");
    settings += 1;
    await expect.poll(() => server.output().split('"clock":').length - 1).toBe(settings);
  }
  return { server, setClock };
}
