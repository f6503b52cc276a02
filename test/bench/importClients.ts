/** Clients of a server that create customers while an import runs on its database. */
import { execFile, execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import http from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import Sqlite from "better-sqlite3";
import { startServer } from "./servers.ts";

const command = join(import.meta.dirname, "../../dist/server/cli.js");

/**
 * Imports a file while eight clients create customers one by one.
 * @param args further arguments of the import
 * @returns the results of the creates, and the longest time for which the import held SQLite's lock
 */
export async function createUnderImport(databaseUrl: string, file: string, args: string[]): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "distribu-import-clients-"));
  const server = await startServer("ours", databaseUrl, folder);
  const env = { ...process.env, DATABASE_URL: databaseUrl };
  try {
    const keys = ["keys", "create", "--company", "acme", "--scopes", "customers:write"];
    const key = execFileSync(process.execPath, [command, ...keys], {
      env,
      stdio: ["ignore", "pipe", "ignore"],
    });
    const work = promisify(execFile)(
      process.execPath,
      [command, "import", file, "--company", "acme", ...args],
      { env },
    );

    let isDone = false;
    const statuses = new Map<number, number>();
    const times: number[] = [];
    const agent = new http.Agent({ keepAlive: true });
    const clients = Array.from({ length: 8 }, async (_, client) => {
      for (let n = 0; !isDone; n++) {
        const startedAt = performance.now();
        const status = await create(
          server.port,
          agent,
          key.toString().trim(),
          `client${client}.${n}@x.example`,
        );
        times.push(performance.now() - startedAt);
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
      }
    });
    const readiness = new Set<number>();
    const polls = (async () => {
      for (; !isDone; await sleep(100))
        readiness.add((await fetch(`http://127.0.0.1:${server.port}/readyz`)).status);
    })();
    const locked = databaseUrl.startsWith("sqlite:")
      ? measureLongestLock(databaseUrl, () => isDone)
      : undefined;
    const { stdout } = await work.finally(() => (isDone = true));
    await Promise.all([...clients, polls]);
    const counts = [...statuses].map(([status, count]) => `${count} times ${status}`).join(", ");
    const lock = locked ? `; locked for at most ${(await locked).toFixed(0)} ms` : "";
    return (
      `${stdout.trim()}; creates: ${counts}, at most ${Math.max(...times).toFixed(0)} ms; ` +
      `/readyz: ${[...readiness].join(", ")}${lock}`
    );
  } finally {
    await server.stop();
    rmSync(folder, { recursive: true });
  }
}

function create(port: number, agent: http.Agent, key: string, email: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = http.request({
      agent,
      port,
      method: "POST",
      path: "/api/v1/customers",
      headers: { Authorization: `Bearer ${key}`, "Content-Type": "application/json" },
    });
    request.on("error", reject).on("response", (response) => {
      response.resume().on("end", () => resolve(response.statusCode ?? 0));
    });
    request.end(JSON.stringify({ email }));
  });
}

/** Returns the longest time, in milliseconds, during which SQLite's write lock was not available. */
async function measureLongestLock(databaseUrl: string, isDone: () => boolean): Promise<number> {
  const connection = new Sqlite(databaseUrl.slice("sqlite:".length), { timeout: 0 });
  let [longest, freeAt] = [0, performance.now()];
  for (; !isDone(); await sleep(2)) {
    try {
      connection.exec("begin immediate; rollback");
      freeAt = performance.now();
    } catch {
      longest = Math.max(longest, performance.now() - freeAt);
    }
  }
  connection.close();
  return longest;
}
