/** `distribu backup`: copying a SQLite database while a server writes to it, and restoring the copy. */
import { copyFileSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import SqliteConnection from "better-sqlite3";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { createKeyByCommand, runCommand, spawnServer } from "../support/processes.ts";
import { temporaryFolder } from "../support/temporaryFolder.ts";

let folder: string;
let DATABASE_URL: string;
beforeEach(() => {
  const temporary = temporaryFolder();
  onTestFinished(temporary.remove);
  folder = temporary.path;
  DATABASE_URL = `sqlite:${join(folder, "live.db")}`;
});

const backUp = (file: string) => runCommand(["backup", file], { DATABASE_URL });

describe("backup", () => {
  it("backup: while a server writes → every acknowledged write can be restored", async () => {
    const server = await spawnServer({ DATABASE_URL });
    const key = await createKeyByCommand(DATABASE_URL);
    const client = server.client(key);
    /** The last acknowledged name of each customer. */
    const acknowledged = new Map<string, string>();
    let isOver = false;
    let created = 0;
    const writers = Array.from({ length: 4 }, async (_, writer) => {
      for (let n = 0; !isOver; n++) {
        const email = `w${writer}-${n}@x.example`;
        const { data } = await client.POST("/customers", { body: { email, name: "new" } });
        const id = data?.data.id as string;
        acknowledged.set(id, "new");
        const path = { id };
        await client.PATCH("/customers/{id}", { params: { path }, body: { name: "changed", notes: "too" } });
        acknowledged.set(id, "changed");
        created++;
      }
    });

    const file = join(folder, "backup.db");
    await expect.poll(() => created, { timeout: 20_000 }).toBeGreaterThan(200);
    const before = new Map(acknowledged);
    const createdBefore = created;
    const ended = await backUp(file);
    // Customers were created during the backup.
    expect(created).toBeGreaterThan(createdBefore);
    isOver = true;
    await Promise.all(writers);
    expect(ended).toEqual({ code: 0, stdout: "", stderr: expect.stringMatching(/^[^\n]+\n$/) });
    expect(readdirSync(folder).filter((name) => name.startsWith("backup"))).toEqual(["backup.db"]);
    expect(statSync(file).mode & 0o777).toBe(0o600);

    const restored = join(folder, "restored.db");
    copyFileSync(file, restored);
    const again = await spawnServer({ DATABASE_URL: `sqlite:${restored}` });
    const reader = again.client(key);
    const found = new Map<string, string | null>();
    for (let cursor = ""; ; ) {
      const query = { limit: 100, cursor, search: "@x.example" };
      const { data } = await reader.GET("/customers", { params: { query } });
      for (const { id, name, notes } of data?.data ?? []) {
        found.set(id, name);
        // No partial update.
        expect(notes).toBe(name === "changed" ? "too" : null);
      }
      cursor = data?.pagination.nextCursor ?? "";
      if (cursor === "") break;
    }
    for (const [id, name] of before)
      expect(name === "changed" ? ["changed"] : ["new", "changed"]).toContain(found.get(id));
    expect((await reader.POST("/customers", { body: { email: "after@x.example" } })).response.status).toBe(
      201,
    );
    again.process.kill("SIGTERM");
    expect(await again.exited).toBe(0);

    const connection = new SqliteConnection(restored, { readonly: true });
    onTestFinished(() => void connection.close());
    expect(connection.pragma("integrity_check", { simple: true })).toBe("ok");
    // Each write has its audit entry in the copy too.
    const changed = [...found.values()].filter((name) => name === "changed").length;
    expect(connection.prepare("select count(*) as entries from audit_entries").get()).toEqual({
      entries: found.size + changed + 1,
    });
  });

  it("backup: file exists → exit code 1, the file is unchanged", async () => {
    await createKeyByCommand(DATABASE_URL);
    const kept = [join(folder, "kept.txt"), join(folder, "unfinished.db.part")] as const;
    for (const file of kept) {
      writeFileSync(file, "kept");
      const { code, stderr } = await backUp(file.replace(".part", ""));
      expect([code, stderr]).toEqual([1, `${file} exists; a backup never overwrites a file\n`]);
      expect(readFileSync(file, "utf8")).toBe("kept");
    }
  });

  it("backup: no database, no folder, or PostgreSQL → no file", async () => {
    const file = join(folder, "none.db");
    expect((await backUp(file)).code).toBe(1);
    expect(readdirSync(folder)).toEqual([]);
    writeFileSync(join(folder, "live.db"), "");
    expect(await backUp(file)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("There is no database"),
    });
    await createKeyByCommand(DATABASE_URL);
    expect((await backUp(join(folder, "nowhere", "none.db"))).code).toBe(1);
    const { code, stderr } = await runCommand(["backup", file], { DATABASE_URL: "postgres://127.0.0.1:1/x" });
    expect([code, stderr.match(/pg_dump/g)]).toEqual([2, ["pg_dump"]]);
    expect(existsSync(file)).toBe(false);
  });

  it("backup: database with an older schema → copied, not migrated", async () => {
    await createKeyByCommand(DATABASE_URL);
    const live = new SqliteConnection(join(folder, "live.db"));
    live.exec("update migrations set revision = 'older'");
    live.close();
    const file = join(folder, "older.db");
    expect((await backUp(file)).code).toBe(0);
    for (const name of ["live.db", "older.db"]) {
      const connection = new SqliteConnection(join(folder, name), { readonly: true });
      expect(connection.prepare("select version, revision from migrations").all()).toEqual([
        { version: 1, revision: "older" },
      ]);
      connection.close();
    }
  });
});
