/** The operator's other commands, in their own processes, on a database that a server is using. */
import { existsSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createDatabase } from "../../support/databases.ts";
import { importByCommand, listCustomersByEmail } from "../../support/importing.ts";
import type { Partner } from "../../support/partner.ts";
import { runCommand } from "../../support/processes.ts";
import { startServer, type TestServer } from "../../support/server.ts";
import { temporaryFolder } from "../../support/temporaryFolder.ts";

let server: TestServer;
const folder = temporaryFolder();
beforeAll(async () => {
  server = await startServer();
});
afterAll(async () => {
  await server?.stop();
  folder.remove();
});

const run = (...args: string[]) => runCommand(args, { DATABASE_URL: server.databaseUrl });
const importInto = (partner: Partner, content: string | Buffer, ...options: string[]) =>
  importByCommand(server, partner, folder.path, content, ...options);

describe("audit", () => {
  it("audit: import → its creates and updates, not unchanged or rejected rows", async () => {
    const partner = await server.partner();
    await importInto(partner, "email,name,notes\na@x.example,A,\nb@x.example,B,\nc@x.example,C,\n");
    const file = "email,name,notes\na@x.example,A,n\nb@x.example,B,\nc@x.example,X,n\nd@x.example,D,\n";
    await importInto(partner, file, "--dry-run");
    await importInto(partner, `${file}bad,,\n`);
    await importInto(partner, file, "--by", "Zoë of the office");
    const { code, stdout } = await run("audit", "--company", partner.company, "--json");
    expect(code).toBe(0);
    const entries = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line))
      .filter(({ action }) => action !== "create key");
    const { a, b, c, d } = Object.fromEntries(
      Object.values(await listCustomersByEmail(partner)).map(({ id, email }) => [email[0], id]),
    );
    const seen = entries.map(({ action, customerId, fields }) => [action, customerId, ...fields].join(" "));
    expect(seen.slice(0, 3)).toEqual([`create ${a}`, `create ${b}`, `create ${c}`]);
    expect(seen.slice(3).sort()).toEqual(
      [`create ${d}`, `update ${a} notes`, `update ${c} name,notes`.replace(",", " ")].sort(),
    );
    expect(entries.map(({ key }) => key)).toEqual(Array(6).fill(null));
    const [user, given] = [`import by ${userInfo().username}`, "import by Zoë of the office"];
    expect(entries.map(({ by }) => by)).toEqual([user, user, user, given, given, given]);
    const columns = await run("audit", "--company", partner.company);
    expect(columns.stdout).toContain("  import by Zoë of the office  ");
    const customers = await listCustomersByEmail(partner);
    for (const email of ["a@x.example", "c@x.example"])
      expect(entries.findLast(({ customerId }) => customerId === customers[email]?.id).time).toBe(
        customers[email]?.updatedAt,
      );
  });

  it("audit: --customer, --since → columns under a header, no secret of a key", async () => {
    const partner = await server.partner();
    const { body } = await partner.send("POST", "/customers", { email: "a@x.example" });
    await partner.send("POST", "/customers", { email: "b@x.example" });
    const path = `/customers/${body.data.id}`;
    const { updatedAt } = (await partner.send("PATCH", path, { notes: "n", name: "A" })).body.data;
    const listed = await run("audit", "--company", partner.company, "--customer", body.data.id);
    const [head, ...lines] = listed.stdout.trimEnd().split("\n");
    expect(head?.split(/ {2,}/)).toEqual(["TIME", "ACTION", "SUBJECT", "BY", "FIELDS"]);
    const by = `${partner.key.slice(0, 12)} test`;
    expect(lines.map((line) => line.split(/ {2,}/))).toEqual([
      [body.data.createdAt, "create", body.data.id, by, "-"],
      [updatedAt, "update", body.data.id, by, "name,notes"],
    ]);
    const since = await run("audit", "--company", partner.company, "--since", updatedAt);
    expect(since.stdout.trimEnd().split("\n").slice(1)).toEqual(lines.slice(1));
    expect(listed.stdout + since.stdout).not.toContain(partner.key.slice(12));
  });
});

describe("copy", () => {
  const other = process.env.TEST_ENGINE === "postgres" ? "sqlite" : "postgres";

  it("copy: to the other engine → keys, customers, replayable responses", async () => {
    const source = await startServer();
    const created = await createDatabase(other);
    try {
      const [partner, second] = [await source.partner(), await source.partner()];
      const revoked = await source.createKey();
      await source.revokeKey(revoked);
      const once = {
        email: "once@x.example",
        name: "Straße",
        notes: "",
        creditLimit: 0.1,
        taxRateOverride: 0.07,
      };
      const first = await partner.send("POST", "/customers", once, { "Idempotency-Key": "a" });
      await partner.send("POST", "/customers", { email: "zero@x.example" }, { "Idempotency-Key": "B" });
      for (let n = 0; n < 600; n++)
        await second.send("POST", "/customers", {
          email: `n${n}@x.example`,
          status: n % 2 ? "BLOCKED" : "ACTIVE",
        });
      await partner.send("PATCH", `/customers/${first.body.data.id}`, { status: "BLOCKED" });

      const copied = await runCommand(["copy", "--from", source.databaseUrl, "--to", created.url]);
      expect(copied).toMatchObject({ code: 0, stderr: "" });
      expect(copied.stdout).toMatch(/^customers: 602 rows, SHA-256 [0-9a-f]{64} on both$/m);
      expect(copied.stdout).toMatch(/^audit_entries: 603 rows, SHA-256 [0-9a-f]{64} on both$/m);
      const [before, after] = await Promise.all(
        [source.databaseUrl, created.url].map((DATABASE_URL) =>
          runCommand(["audit", "--company", partner.company], { DATABASE_URL }),
        ),
      );
      expect(after?.stdout.split("\n")).toHaveLength(6);
      expect(after).toEqual(before);

      const target = await startServer({ databaseUrl: created.url });
      const get = async (path: string, key: string) => {
        const responses = await Promise.all(
          [source, target].map((one) => one.fetch(`/api/v1${path}`, { key })),
        );
        const seen = await Promise.all(
          responses.map(async (response) => [
            response.status,
            response.headers.get("ETag"),
            await response.text(),
          ]),
        );
        return seen as [unknown[], unknown[]];
      };
      for (const [path, key] of [
        ["/customers", partner.key],
        [`/customers/${first.body.data.id}`, partner.key],
        ["/customers?search=STRA%C3%9FE", partner.key],
        ["/customers?limit=100&status=BLOCKED", second.key],
        ["/customers?search=9@&limit=100&status=BLOCKED", second.key],
        ["/customers", revoked],
      ] as const) {
        const [before, after] = await get(path, key);
        expect(after).toEqual(before);
      }
      const replayed = await target.fetch("/api/v1/customers", {
        method: "POST",
        key: partner.key,
        headers: { "Content-Type": "application/json", "Idempotency-Key": "a" },
        body: JSON.stringify(once),
      });
      expect([replayed.status, await replayed.text()]).toEqual([201, first.text]);
      expect(replayed.headers.get("Idempotent-Replayed")).toBe("true");

      const again = await runCommand(["copy", "--from", source.databaseUrl, "--to", created.url]);
      expect(again).toMatchObject({ code: 1, stdout: "", stderr: "The target is not empty\n" });
      expect((await target.fetch("/api/v1/customers", { key: partner.key })).status).toBe(200);
      await target.stop();
    } finally {
      await source.stop();
      await created.drop();
    }
  });

  it("copy: database does not exist → exit code 1, none is created", async () => {
    const file = join(folder.path, "mistyped.db");
    const copied = await runCommand(["copy", "--from", `sqlite:${file}`, "--to", server.databaseUrl]);
    expect(copied).toMatchObject({ code: 1, stdout: "", stderr: `There is no database at ${file}\n` });
    expect(existsSync(file)).toBe(false);
  });

  it("copy: database onto itself → rejected, unchanged", async () => {
    const partner = await server.partner();
    await partner.send("POST", "/customers", { email: "a@x.example" });
    const copied = await runCommand(["copy", "--from", server.databaseUrl, "--to", server.databaseUrl]);
    expect(copied).toMatchObject({ code: 1, stdout: "" });
    expect(Object.keys(await listCustomersByEmail(partner))).toEqual(["a@x.example"]);
  });
});
