/** A SQLite file that is locked, read-only, full or damaged: reads go on where they can. */
import { execFileSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, it, onTestFinished } from "vitest";
import { damageDatabase, fileOf, lockDatabase } from "../support/databaseFaults.ts";
import { createTemporaryDatabase } from "../support/databases.ts";
import { temporaryFolder } from "../support/temporaryFolder.ts";
import { count } from "./counts.ts";
import { type Outage, startOutage } from "./outage.ts";

async function outageOfTest(name: string, databaseUrl?: string): Promise<Outage> {
  const outage = await startOutage(name, databaseUrl ?? (await createTemporaryDatabase()));
  onTestFinished(() => outage.server.stop());
  return outage;
}

/** Runs a program that only root may run. */
function asRoot(...command: string[]): void {
  const [program = "", ...args] = process.getuid?.() === 0 ? command : ["sudo", "-n", ...command];
  execFileSync(program, args, { stdio: ["ignore", "ignore", "inherit"] });
}

/** A file system of so many bytes, until the test is over. */
function smallDisk(bytes: number): string {
  const { path, remove } = temporaryFolder();
  asRoot("mount", "-t", "tmpfs", "-o", `size=${bytes},mode=1777`, "tmpfs", path);
  onTestFinished(() => {
    asRoot("umount", path);
    remove();
  });
  return path;
}

describe("when the SQLite file", () => {
  it("is locked by another writer, writes are 503 within two seconds, reads go on, and all is well within two after", async () => {
    const outage = await outageOfTest("SQLite locked by another writer");
    const unlock = await lockDatabase(outage.server);
    try {
      const milliseconds = count("LOCKED_SECONDS") * 1_000;
      // Who holds the lock writes: the disk is not broken.
      await outage.expectUnavailable(outage.writes, outage.reads, { milliseconds, staysReady: true });
    } finally {
      await unlock();
    }
    await outage.expectRecovery();
  });

  it("is read-only, writes are 503 within two seconds, reads go on, and all is well within two after", async () => {
    const outage = await outageOfTest("SQLite file read-only");
    const file = fileOf(outage.server);
    // The server has the file open, and root heeds no permissions: the file itself must refuse.
    const files = [file, `${file}-wal`];
    asRoot("chattr", "+i", ...files);
    try {
      await outage.expectUnavailable(outage.writes, outage.reads);
    } finally {
      asRoot("chattr", "-i", ...files);
    }
    await outage.expectRecovery();
  });

  it("has no space left on its disk, writes are 503 within two seconds, reads go on, and all is well within two after", async () => {
    const disk = smallDisk(4_000_000);
    const outage = await outageOfTest("SQLite disk full", `sqlite:${join(disk, "full.db")}`);
    const rest = join(dirname(fileOf(outage.server)), "rest");
    try {
      writeFileSync(rest, Buffer.alloc(4_000_000));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
    }
    await outage.expectUnavailable(outage.writes, outage.reads);
    rmSync(rest);
    await outage.expectRecovery();
  });

  it("is damaged, every request is a 503 within two seconds, and all is well within two after the repair", async () => {
    const outage = await outageOfTest("SQLite file damaged");
    const repair = await damageDatabase(outage.server);
    await outage.expectUnavailable([...outage.reads, ...outage.writes, outage.withUnknownKey]);
    await repair();
    await outage.expectRecovery();
  });
});
