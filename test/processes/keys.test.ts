import { beforeEach, describe, expect, it } from "vitest";
import { createTemporaryDatabase } from "../support/databases.ts";
import {
  createKeyByCommand,
  createTables,
  type ProgramResult,
  runCommand,
  runProgram,
  spawnServer,
} from "../support/processes.ts";
import { bothScopes } from "../support/server.ts";

const keyLine = /^dk_[A-Za-z0-9_-]{43}\n$/;

let DATABASE_URL: string;
beforeEach(async () => {
  DATABASE_URL = await createTemporaryDatabase();
  await createTables(DATABASE_URL);
});

/** Runs `keys` with these arguments on the database of this test. */
function keys(...args: string[]): Promise<ProgramResult> {
  return runCommand(["keys", ...args], { DATABASE_URL });
}

async function createKey(...args: string[]): Promise<string> {
  const { stdout } = await keys("create", "--company", "acme", "--scopes", "customers:read", ...args);
  return stdout.trim();
}

/** Returns the columns of `keys list` for each key. */
async function listKeys(): Promise<Record<string, string>[]> {
  const { code, stdout, stderr } = await keys("list");
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const [columns = [], ...rows] = stdout
    .trimEnd()
    .split("\n")
    .map((line) => line.split(/ {2,}/));
  return rows.map((row) => Object.fromEntries(columns.map((column, index) => [column, row[index] ?? ""])));
}

describe("keys create", () => {
  it("keys create: twice → two keys, nothing else on standard output", async () => {
    const args = ["create", "--company", "acme", "--scopes", "customers:read", "--name", "ERP"];
    const [first, second] = [await keys(...args), await keys(...args)];
    for (const ended of [first, second]) {
      expect(ended).toEqual({ code: 0, stdout: expect.stringMatching(keyLine), stderr: "" });
    }
    expect(first.stdout).not.toBe(second.stdout);
  });

  it("keys create: existing company → its second key", async () => {
    const [first, second] = [await createKeyByCommand(DATABASE_URL), await createKeyByCommand(DATABASE_URL)];
    const server = await spawnServer({ DATABASE_URL });
    await server.client(first).POST("/customers", { body: { email: "shared@company.example" } });
    const { data } = await server.client(second).GET("/customers");
    expect(data?.data[0]?.email).toBe("shared@company.example");
  });

  it("keys create: one scope → 200 for its operations, 403 for others", async () => {
    const key = await createKey();
    const server = await spawnServer({ DATABASE_URL });
    const client = server.client(key);
    expect((await client.GET("/customers")).response.status).toBe(200);
    const rejected = await client.POST("/customers", { body: { email: "no@scope.example" } });
    expect(rejected.response.status).toBe(403);
  });

  it("keys create: unknown scope → no key", async () => {
    await keys("create", "--company", "acme", "--scopes", "customers:read,customers:delete");
    expect(await listKeys()).toEqual([]);
  });
});

describe("keys list", () => {
  it("keys list: two keys → their columns, never a key", async () => {
    const key = await createKey("--name", "ERP of Łódź");
    const unnamed = await createKeyByCommand(DATABASE_URL);
    const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    const common = {
      COMPANY: "acme",
      CREATED: time,
      EXPIRES: "never",
      "LAST USED": "never",
      LIMIT: "-",
      STATUS: "active",
    };
    const id = expect.stringMatching(/^[0-9a-f-]{36}$/);
    expect(await listKeys()).toEqual([
      { ...common, PREFIX: key.slice(0, 12), NAME: "ERP of Łódź", SCOPES: "customers:read", ID: id },
      { ...common, PREFIX: unnamed.slice(0, 12), NAME: "-", SCOPES: bothScopes.join(","), ID: id },
    ]);
    expect((await keys("list")).stdout).not.toContain(key.slice(0, 13));
  });

  it("keys list: active, expired, revoked → their status", async () => {
    await createKey("--name", "lasting", "--expires", "9999-01-01T00:00:00Z");
    await createKey("--name", "short", "--expires", "1s");
    await keys("revoke", (await createKey("--name", "ended")).slice(0, 12));
    const statuses = async () => (await listKeys()).map(({ NAME, STATUS }) => [NAME, STATUS]);
    await expect.poll(statuses, { timeout: 10_000 }).toEqual([
      ["lasting", "active"],
      ["short", "expired"],
      ["ended", "revoked"],
    ]);
  });

  it("keys list: key used → the time of its use", async () => {
    const [used, unused] = [await createKey(), await createKey()];
    const server = await spawnServer({ DATABASE_URL });
    const before = Date.now();
    await server.client(used).GET("/customers");
    // The response does not wait until the time of last use is written.
    await expect
      .poll(async () => (await listKeys())[0]?.["LAST USED"], { timeout: 15_000 })
      .not.toBe("never");
    const [first, second] = await listKeys();
    expect(Date.parse(first?.["LAST USED"] ?? "")).toBeGreaterThanOrEqual(before);
    expect(second).toMatchObject({ PREFIX: unused.slice(0, 12), "LAST USED": "never" });
  });

  it("keys list: no keys → only the header", async () => {
    expect(await listKeys()).toEqual([]);
  });
});

describe("standard output that accepts nothing", () => {
  /** Runs a command whose output is redirected. */
  function runInShell(command: string): Promise<ProgramResult> {
    return runProgram(
      "bash",
      ["-c", `set -o pipefail; "$0" dist/server/cli.js ${command}`, process.execPath],
      {
        DATABASE_URL,
      },
    );
  }

  it.each([
    [">/dev/full", "ENOSPC"],
    ["| true", "EPIPE"],
  ])("keys create: %s → exit code 1, names the key to revoke", async (redirection, cause) => {
    const { code, stderr } = await runInShell(
      `keys create --company acme --scopes customers:read ${redirection}`,
    );
    expect([code, stderr]).toEqual([1, expect.stringContaining(cause)]);
    const prefix = /distribu keys revoke (dk_\S{9})\n$/.exec(stderr)?.[1] as string;
    expect((await keys("revoke", prefix)).code).toBe(0);
  });

  it.each([">&-", ">/dev/null"])("keys create, rotate: %s → exit code 2, no new key", async (redirection) => {
    const prefix = (await createKey("--name", "old")).slice(0, 12);
    const before = await listKeys();
    for (const command of ["create --company acme --scopes customers:read", `rotate ${prefix}`]) {
      const { code, stderr } = await runInShell(`keys ${command} ${redirection}`);
      expect([code, stderr]).toEqual([2, expect.stringContaining("Standard output is closed or /dev/null")]);
    }
    expect(await listKeys()).toEqual(before);
  });

  it.each(["keys list", "help"])("%s: full disk → exit code 1, the cause", async (command) => {
    const { code, stderr } = await runInShell(`${command} >/dev/full`);
    expect([code, stderr]).toEqual([1, expect.stringMatching(/^Failed: ENOSPC\b.*\n$/m)]);
    expect(stderr).not.toContain("    at ");
  });

  it("audit, export: the reader stops reading → exit code 0, no message", async () => {
    await createKey();
    for (const command of ["audit", "export"]) {
      const { code, stderr } = await runInShell(`${command} --company acme | true`);
      expect([code, stderr]).toEqual([0, `Database: ${DATABASE_URL}\n`]);
    }
  });
});

describe("keys revoke", () => {
  it("keys revoke: prefix → this key is revoked, no other", async () => {
    const key = await createKey("--name", "ended");
    await createKey("--name", "kept");
    const { code, stdout, stderr } = await keys("revoke", key.slice(0, 12));
    expect({ code, stdout }).toEqual({ code: 0, stdout: "" });
    expect(stderr).toBe(`Revoked ${key.slice(0, 12)} (acme).\n`);
    expect((await listKeys()).map(({ STATUS }) => STATUS)).toEqual(["revoked", "active"]);
  });

  it("keys revoke: ID, twice → exit code 0 both times", async () => {
    await createKey();
    const id = (await listKeys())[0]?.ID ?? "";
    expect((await keys("revoke", id)).code).toBe(0);
    expect((await keys("revoke", id)).code).toBe(0);
    expect((await listKeys())[0]?.STATUS).toBe("revoked");
  });

  it("keys revoke: unknown or incomplete prefix → exit code 2, none is revoked", async () => {
    const key = await createKey();
    for (const name of ["dk_nosuchkey", key.slice(0, 11), key]) {
      const { code, stderr } = await keys("revoke", name);
      expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringMatching(/^[^\n]+\n$/) });
    }
    expect((await listKeys())[0]?.STATUS).toBe("active");
  });
});

describe("keys while a server runs", () => {
  it("keys create: while a server runs → 200 at once, 401 once revoked", async () => {
    const server = await spawnServer({ DATABASE_URL });
    const key = await createKey();
    const client = server.client(key);
    expect((await client.GET("/customers")).response.status).toBe(200);
    await keys("revoke", key.slice(0, 12));
    expect((await client.GET("/customers")).response.status).toBe(401);
  });

  it("keys create: --expires → 200 until then, then 401", async () => {
    const server = await spawnServer({ DATABASE_URL });
    const key = await createKey("--expires", new Date(Date.now() + 3_000).toISOString());
    const client = server.client(key);
    expect((await client.GET("/customers")).response.status).toBe(200);
    await expect
      .poll(async () => (await client.GET("/customers")).response.status, { timeout: 10_000 })
      .toBe(401);
  });
});
