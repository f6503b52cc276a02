/** Private databases of the engine in TEST_ENGINE. */
import { join } from "node:path";
import { inject, onTestFinished } from "vitest";
import { createTestDatabase } from "./postgres.ts";
import { assertNoKeyInFolder } from "./secrets.ts";
import { temporaryFolder } from "./temporaryFolder.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** Host and port of PgBouncer, in `npm run test:pooler`. */
    poolerHost: string;
  }
}

/** The address that tests use for PostgreSQL: its own, or that of PgBouncer in `npm run test:pooler`. */
export const pooler = process.env.DATABASE_POOLER === "transaction" && "transaction";

/** Creates an empty database, which the caller drops. */
export async function createDatabase(
  engine = process.env.TEST_ENGINE,
): Promise<{ url: string; drop(): Promise<void> }> {
  if (engine === "postgres") {
    const { url, drop } = await createTestDatabase(inject("postgresUrl"));
    if (!pooler) return { url, drop };
    const pooled = new URL(url);
    pooled.host = inject("poolerHost");
    return { url: pooled.href, drop };
  }
  const folder = temporaryFolder();
  const drop = async () => {
    assertNoKeyInFolder(folder.path);
    folder.remove();
  };
  return { url: `sqlite:${join(folder.path, "test.db")}`, drop };
}

/** Creates an empty database, which is dropped when the test finishes; returns its DATABASE_URL. */
export async function createTemporaryDatabase(): Promise<string> {
  const { url, drop } = await createDatabase();
  onTestFinished(drop);
  return url;
}
