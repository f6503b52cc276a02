/** A nearly full disk: the operator is warned before every write gets a 503. */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { spawnServer } from "../support/processes.ts";
import { temporaryFolder } from "../support/temporaryFolder.ts";

const megabyte = 1_000_000;

/** Runs a program as root. */
function asRoot(...command: string[]): void {
  const [program = "", ...args] = process.getuid?.() === 0 ? command : ["sudo", "-n", ...command];
  execFileSync(program, args, { stdio: ["ignore", "ignore", "inherit"] });
}

it.each([
  ["half empty", 20, false],
  ["nearly full", 37, true],
] as const)("SQLite: disk %s → its free bytes in a metric, and a warning or none", async (_, used, warns) => {
  const { path, remove } = temporaryFolder();
  asRoot("mount", "-t", "tmpfs", "-o", `size=${40 * megabyte},mode=1777`, "tmpfs", path);
  onTestFinished(() => {
    asRoot("umount", path);
    remove();
  });
  writeFileSync(join(path, "rest"), Buffer.alloc(used * megabyte));
  const environment = { DATABASE_URL: `sqlite:${join(path, "disk.db")}`, METRICS_PORT: "0" };
  const server = await spawnServer(environment);
  // By the time the metrics are read, the disk has been checked once.
  const metricsUrl = /"metricsUrl":"([^"]+)"/.exec(server.output())?.[1] ?? "";
  const metrics = await (await fetch(metricsUrl)).text();
  const free = Number(/^database_disk_free_bytes (\d+)$/m.exec(metrics)?.[1]);
  expect(free).toBeGreaterThan(megabyte);
  expect(free).toBeLessThan((40 - used) * megabyte);
  const warning =
    /"level":"warn".*"freeBytes":\d+,"totalBytes":\d+,"msg":"the disk of the database is nearly full"/;
  if (warns) await expect.poll(server.output).toMatch(warning);
  else expect(server.output()).not.toMatch(warning);
  server.process.kill("SIGTERM");
  expect(await server.exited).toBe(0);
});
