import { chmodSync, cpSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { execute, startPostgres } from "../../support/postgres.ts";
import { installedPrograms } from "../../support/postgresPrograms.ts";
import { temporaryFolder } from "../../support/temporaryFolder.ts";

it("PostgreSQL of the tests: installed where only its owner may enter → starts", async ({
  onTestFinished,
}) => {
  const folder = temporaryFolder();
  onTestFinished(() => folder.remove());
  const programs = join(folder.path, "node_modules/native");
  mkdirSync(programs, { recursive: true });
  cpSync(installedPrograms(), programs, { recursive: true, verbatimSymlinks: true });
  chmodSync(folder.path, 0o700);
  const server = await startPostgres(programs);
  onTestFinished(() => server.remove());
  await execute(server.url, "select 1");
});

it("PostgreSQL of the tests: cannot start → an error that says what to do", async () => {
  await expect(startPostgres("/nowhere")).rejects.toThrow(
    /^PostgreSQL did not start: .*\nSet TEST_DATABASE_URL to a server whose user may create databases/,
  );
});
