/** PostgreSQL behind PgBouncer in transaction mode. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, chownSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { readBlock } from "../support/pages.ts";
import { execute, freePort, startPostgres } from "../support/postgres.ts";
import { unprivilegedUser } from "../support/postgresPrograms.ts";

/** The settings that server/README.md prescribes, for the role of the tests. */
const roleSettings = readBlock("server/README.md", "sql", "pgbouncer").replaceAll(
  "alter role distribu",
  "alter role pooled",
);

/**
 * Creates the role with which PgBouncer logs in. It is a superuser, because it does not own the databases of the tests.
 */
export async function createPooledRole(postgresUrl: string): Promise<void> {
  await execute(postgresUrl, `create role pooled superuser login password 'pooled'; ${roleSettings}`);
}

/** The number of sessions per database: fewer than concurrent requests, so that requests share them. */
const poolSize = 4;

/** Starts both for the run. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const postgres = await startPostgres();
  await createPooledRole(postgres.url);
  const pooler = await startPgBouncer(postgres.url);
  project.provide("postgresUrl", postgres.url);
  project.provide("poolerHost", pooler.host);
  return async () => {
    await pooler.stop();
    await postgres.remove();
  };
}

/** Starts PgBouncer in front of a PostgreSQL server. It connects to every database as the role `pooled`. */
export async function startPgBouncer(postgresUrl: string): Promise<{ host: string; stop(): Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), "distribu-pgbouncer-"));
  const port = await freePort();
  const file = join(folder, "pgbouncer.ini");
  writeFileSync(
    file,
    `[databases]
* = host=127.0.0.1 port=${new URL(postgresUrl).port} user=pooled password=pooled
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = ${poolSize}
max_client_conn = 1000
`,
  );
  // PgBouncer does not run as root.
  const user = process.getuid?.() === 0 ? unprivilegedUser() : undefined;
  if (user) {
    chmodSync(folder, 0o755);
    chownSync(file, user.uid, user.gid);
  }
  const child = spawn("pgbouncer", [file], { ...user, cwd: "/", stdio: ["ignore", "ignore", "pipe"] });
  const exited = once(child, "exit");
  let output = "";
  await new Promise<void>((resolve, reject) => {
    child.once("error", () =>
      reject(new Error("There is no pgbouncer. On Debian: apt-get install pgbouncer")),
    );
    child.once("exit", () => reject(new Error(`PgBouncer did not start: ${output}`)));
    child.stderr.on("data", (chunk) => {
      if (output.length < 100_000) output += chunk;
      if (output.includes("process up")) resolve();
    });
  });
  return {
    host: `127.0.0.1:${port}`,
    async stop() {
      child.kill("SIGKILL");
      await exited;
      rmSync(folder, { recursive: true });
    },
  };
}
