/** A SQLite file that is locked, read-only, full or damaged: reads keep working where possible. */
import { execFileSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, it, onTestFinished } from "vitest";
import { damageDatabase, findFile, lockDatabase } from "../support/databaseFaults.ts";
import { createTemporaryDatabase } from "../support/databases.ts";
import { temporaryFolder } from "../support/temporaryFolder.ts";
import { count } from "./counts.ts";
import { type Outage, startOutage } from "./outage.ts";

async function startTestOutage(name: string, databaseUrl?: string): Promise<Outage> {
  const outage = await startOutage(name, databaseUrl ?? (await createTemporaryDatabase()));
  onTestFinished(() => outage.server.stop());
  return outage;
}

/** Runs a program as root. */
function asRoot(...command: string[]): void {
  const [program = "", ...args] = process.getuid?.() === 0 ? command : ["sudo", "-n", ...command];
  execFileSync(program, args, { stdio: ["ignore", "ignore", "inherit"] });
}

/** Mounts a file system of this size until the test finishes. */
function mountSmallDisk(bytes: number): string {
  const { path, remove } = temporaryFolder();
  asRoot("mount", "-t", "tmpfs", "-o", `size=${bytes},mode=1777`, "tmpfs", path);
  onTestFinished(() => {
    asRoot("umount", path);
    remove();
  });
  return path;
}

describe("outages of SQLite", () => {
  it("SQLite: locked by another writer → writes 503, reads 200, recovers within 2 s", async () => {
    const outage = await startTestOutage("SQLite locked by another writer");
    const unlock = await lockDatabase(outage.server);
    try {
      const milliseconds = count("LOCKED_SECONDS") * 1_000;
      // The holder of the lock is writing, so the disk works.
      await outage.expectUnavailable(outage.writes, outage.reads, { milliseconds, staysReady: true });
    } finally {
      await unlock();
    }
    await outage.expectRecovery();
  });

  it("SQLite: file read-only → writes 503, reads 200, recovers within 2 s", async () => {
    const outage = await startTestOutage("SQLite file read-only");
    const file = findFile(outage.server);
    // The server has the file open, and permissions do not apply to root, so the file is made immutable.
    const files = [file, `${file}-wal`];
    asRoot("chattr", "+i", ...files);
    try {
      await outage.expectUnavailable(outage.writes, outage.reads);
    } finally {
      asRoot("chattr", "-i", ...files);
    }
    await outage.expectRecovery();
  });

  it("SQLite: disk full → writes 503, reads 200, recovers within 2 s", async () => {
    const disk = mountSmallDisk(4_000_000);
    const outage = await startTestOutage("SQLite disk full", `sqlite:${join(disk, "full.db")}`);
    const rest = join(dirname(findFile(outage.server)), "rest");
    try {
      writeFileSync(rest, Buffer.alloc(4_000_000));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
    }
    await outage.expectUnavailable(outage.writes, outage.reads);
    rmSync(rest);
    await outage.expectRecovery();
  });

  it("SQLite: file damaged → every request 503, recovers within 2 s of the repair", async () => {
    const outage = await startTestOutage("SQLite file damaged");
    const repair = await damageDatabase(outage.server);
    await outage.expectUnavailable([...outage.reads, ...outage.writes, outage.withUnknownKey]);
    await repair();
    await outage.expectRecovery();
  });
});
