import { spawnSync } from "node:child_process";
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { createKeyByCommand, spawnServer } from "../support/processes.ts";
import { temporaryFolder } from "../support/temporaryFolder.ts";

/** The user `nobody`. Root may write everywhere, so a run as root starts the server as `nobody` if that user can read it. */
const nobody = 65_534;
const readsHere = () => spawnSync("test", ["-r", "package.json"], { uid: nobody }).status === 0;
const otherUser = process.getuid?.() === 0 && readsHere() ? nobody : undefined;

/** Newer versions of Node have renamed it. */
const permission = ["--permission", "--experimental-permission"].find((name) =>
  process.allowedNodeEnvironmentFlags.has(name),
) as string;

it("server: write access only to its database folder → all operations work", async () => {
  const folder = temporaryFolder();
  onTestFinished(folder.remove);
  const [sealed, data] = [join(folder.path, "sealed"), join(folder.path, "data")];
  for (const path of [sealed, data]) mkdirSync(path);
  const DATABASE_URL = `sqlite:${join(data, "customers.db")}`;
  const key = await createKeyByCommand(DATABASE_URL);
  chmodSync(folder.path, 0o755);
  chmodSync(sealed, 0o555);
  if (otherUser !== undefined)
    for (const path of [data, ...readdirSync(data).map((name) => join(data, name))])
      chownSync(path, otherUser, otherUser);

  const server = await spawnServer(
    { DATABASE_URL, HOME: sealed, TMPDIR: sealed, SQLITE_TMPDIR: sealed },
    join(process.cwd(), "dist/server/main.js"),
    {
      cwd: sealed,
      // Node denies every other path; `sealed` covers what better-sqlite3 does without Node's permission checks.
      nodeOptions: [permission, "--allow-fs-read=*", `--allow-fs-write=${data}`, "--allow-addons"],
      ...(otherUser !== undefined && { uid: otherUser, gid: otherUser }),
    },
  );
  const client = server.client(key);
  const { data: created } = await client.POST("/customers", {
    body: { email: "sealed@x.example" },
    params: { header: { "Idempotency-Key": "sealed" } },
  });
  const params = { path: { id: created?.data.id ?? "" } };
  const responses = [
    await client.PATCH("/customers/{id}", { params, body: { name: "Sealed" } }),
    await client.GET("/customers/{id}", { params }),
    await client.GET("/customers", { params: { query: { search: "seal" } } }),
    await server.fetch("/docs").then((response) => ({ response })),
    await server.fetch("/readyz").then((response) => ({ response })),
  ];
  expect(responses.map(({ response }) => response.status)).toEqual([200, 200, 200, 200, 200]);
  server.process.kill("SIGTERM");
  expect(await server.exited).toBe(0);
  expect(readdirSync(sealed)).toEqual([]);
  expect(existsSync(join(data, "customers.db"))).toBe(true);
});
