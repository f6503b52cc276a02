/** Measures the cost of writes once customers have been imported, and the size of the database. */
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import pg from "pg";
import { basePath } from "../../server/contract.ts";
import { buildRequests } from "./data.ts";
import type { RunningEngine } from "./engines.ts";
import { load } from "./load.ts";
import { readCpuTime, startServer, sumCpuTime } from "./servers.ts";

const connections = 16;
const requests = 4_000;

/** CPU time of one request in microseconds: of the server, and of PostgreSQL. */
interface WriteCost {
  server: number;
  database: number;
}

/** Starts the server of a tree on a database, and creates and updates customers. */
export async function measureWrites(
  tree: string,
  databaseUrl: string,
  folder: string,
  key: string,
  engine: RunningEngine,
): Promise<Record<"create" | "update", WriteCost>> {
  const server = await startServer("unlimited", databaseUrl, folder, join(tree, "dist/server/main.js"));
  try {
    const ids = await listIds(server.port, key);
    const next = buildRequests({ key, ids });
    const costs = {} as Record<"create" | "update", WriteCost>;
    for (const operation of ["create", "update"] as const) {
      // The first quarter is a warm-up.
      await load(server.port, connections, requests / 4, next[operation]);
      const before = [readCpuTime(server.pid).total, sumCpuTime(engine.processIds())] as const;
      await load(server.port, connections, requests, next[operation]);
      costs[operation] = {
        server: (readCpuTime(server.pid).total - before[0]) / requests,
        database: (sumCpuTime(engine.processIds()) - before[1]) / requests,
      };
    }
    return costs;
  } finally {
    await server.stop();
  }
}

/** Lists a thousand customers. */
async function listIds(port: number, key: string): Promise<string[]> {
  const ids: string[] = [];
  while (ids.length < 1_000) {
    const cursor = ids.length > 0 ? `&cursor=${ids.at(-1)}` : "";
    const url = `http://127.0.0.1:${port}${basePath}/customers?limit=100${cursor}`;
    const { data } = await (await fetch(url, { headers: { Authorization: `Bearer ${key}` } })).json();
    ids.push(...data.map(({ id }: { id: string }) => id));
  }
  return ids;
}

/** The size of a database and of its search index in megabytes. */
export async function measureSize(databaseUrl: string): Promise<{ database: number; index: number }> {
  const { bytes, indexBytes } = databaseUrl.startsWith("sqlite:")
    ? readSqliteSize(databaseUrl.slice("sqlite:".length))
    : await readPostgresSize(databaseUrl);
  return { database: bytes / 2 ** 20, index: indexBytes / 2 ** 20 };
}

interface Size {
  bytes: number;
  indexBytes: number;
}

function readSqliteSize(file: string): Size {
  const database = new Sqlite(file, { readonly: true });
  const size = database
    .prepare(
      `select sum(pgsize) as bytes, sum(pgsize) filter (where name like 'customers_search%') as indexBytes from dbstat`,
    )
    .get() as Size;
  database.close();
  return size;
}

async function readPostgresSize(url: string): Promise<Size> {
  const client = new pg.Client(url);
  await client.connect();
  const { rows } = await client.query(
    `select pg_database_size(current_database())::float as "bytes", pg_relation_size('customers_search')::float as "indexBytes"`,
  );
  await client.end();
  return rows[0];
}
