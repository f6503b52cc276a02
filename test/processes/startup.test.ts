// cspell:ignore DATABSE LEVELL
/** Output of the server at startup, the files that it creates, and the databases that it rejects. */
import { readdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import SqliteConnection from "better-sqlite3";
import { beforeEach, expect, it, onTestFinished } from "vitest";
import { createCustomersApi } from "../../server/app.ts";
import { checkClock } from "../../server/clock.ts";
import { createTables, runCommand, runServer, spawnServer } from "../support/processes.ts";
import { temporaryFolder } from "../support/temporaryFolder.ts";

let file: string;
let DATABASE_URL: string;
beforeEach(() => {
  const folder = temporaryFolder();
  onTestFinished(folder.remove);
  file = join(folder.path, "data", "distribu.db");
  DATABASE_URL = `sqlite:${file}`;
});

/** Changes the database to one with this many applied migrations. */
async function migrateAhead(migrations: number): Promise<void> {
  await createTables(DATABASE_URL);
  const connection = new SqliteConnection(file);
  for (let version = 2; version <= 1 + migrations; version++)
    connection.prepare("insert into migrations values (?, 'later', 'now')").run(version);
  connection.close();
}

it("startup: first log line → version, Node, database, workers, limits", async () => {
  const server = await spawnServer({ DATABASE_URL, RATE_LIMIT_PER_MINUTE: "60" });
  const [first = ""] = server.output().split("\n");
  expect(JSON.parse(first)).toMatchObject({
    level: "info",
    msg: "starting",
    version: "1.0.0",
    node: process.version,
    workers: 1,
    database: `sqlite:${file}`,
    limits: { requestsPerMinute: 60, poolSize: 10 },
  });
});

it("startup: PostgreSQL unreachable → the log names host and cause, no password", async () => {
  const server = await runServer({
    DATABASE_URL: "postgres://ann:s3cret@127.0.0.1:1/name",
    // Does not wait for the other attempts.
    NODE_OPTIONS: "--import=data:text/javascript,setTimeout(()=>process.exit(3),4000).unref()",
  });
  const reason = "Cannot reach PostgreSQL at 127.0.0.1:1: connect ECONNREFUSED 127.0.0.1:1";
  expect(server.stdout).toContain(`"reason":"${reason}"`);
  expect(server.stdout + server.stderr).not.toContain("s3cret");
});

it("startup: new database → file and folder accessible only to their owner", async () => {
  const server = await spawnServer({ DATABASE_URL });
  await server.fetch("/readyz");
  const readMode = (path: string) => (statSync(path).mode & 0o777).toString(8);
  expect([file, `${file}-wal`, `${file}-shm`].map(readMode)).toEqual(["600", "600", "600"]);
  expect(readMode(dirname(file))).toBe("700");
});

it.each([1, 2])("startup: database %i migrations ahead → a clear error, exit code 1", async (ahead) => {
  await migrateAhead(ahead);
  const { code, stdout } = await runServer({ DATABASE_URL });
  expect(code).toBe(1);
  const message = `The database is newer than this release: its schema version is ${1 + ahead}, but this release supports 1.`;
  expect(stdout).toContain(message);
  const command = await runCommand(["keys", "list"], { DATABASE_URL });
  expect([command.code, command.stderr.includes(message)]).toEqual([1, true]);
  await expect(createCustomersApi({ databaseUrl: DATABASE_URL })).rejects.toThrow(message);
});

it("startup: clock before the release or ten years later → a warning", async () => {
  expect(checkClock(Date.now())).toBeUndefined();
  const inTenYears = new Date(Date.now() + 10 * 365 * 86_400_000);
  const warned = `The system clock is wrong (${inTenYears.toISOString()}), unless this version is five years old:`;
  expect(checkClock(inTenYears.getTime())).toContain(warned);
  const server = await spawnServer({ DATABASE_URL }, undefined, {
    nodeOptions: ["--import=data:text/javascript,Date.now=()=>1e12"],
  });
  const warning = server
    .output()
    .split("\n")
    .find((line) => line.includes("clock is wrong"));
  expect(JSON.parse(warning ?? "{}")).toMatchObject({ level: "warn" });
});

it("startup: misspelled variables → one warning, without their values", async () => {
  const server = await spawnServer({
    DATABASE_URL,
    DATABSE_URL: "postgres://ann:s3cret@x/y",
    LOG_LEVELL: "info",
  });
  const warnings = server.output().match(/^.*"level":"warn".*$/gm);
  expect(warnings).toEqual([
    expect.stringContaining(
      '"msg":"Unknown environment variables: DATABSE_URL (did you mean DATABASE_URL?), LOG_LEVELL (did you mean LOG_LEVEL?)"',
    ),
  ]);
  expect(server.output()).not.toContain("s3cret");
});

it("startup: compiled code → cached in node_modules, not in the temporary folder", async () => {
  const cache = "node_modules/.cache/compiled";
  const { path: TMPDIR, remove } = temporaryFolder();
  onTestFinished(remove);
  expect((await runCommand(["--version"], { TMPDIR })).code).toBe(0);
  expect(readdirSync(TMPDIR)).toEqual([]);
  const compiled = readdirSync(cache, { recursive: true, withFileTypes: true });
  expect(compiled.filter((entry) => entry.isFile()).length).toBeGreaterThan(0);
});
