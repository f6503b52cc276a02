/** The operator's commands for keys, companies, personal data and the audit trail. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ProgramResult, runCommand } from "../../support/processes.ts";
import { startServer, type TestServer } from "../../support/server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startServer({ requestsPerMinute: 600 });
});
afterAll(() => server.stop());

const day = 86_400_000;

function run(...args: string[]): Promise<ProgramResult> {
  return runCommand(args, { DATABASE_URL: server.databaseUrl });
}

async function createKey(company: string, ...options: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(
    ...["keys", "create", "--company", company, "--scopes", "customers:read,customers:write"],
    ...options,
  );
  expect([code, stderr]).toEqual([0, ""]);
  return stdout.trim();
}

/** Runs a command with `--json`; returns the parsed output. */
// biome-ignore lint/suspicious/noExplicitAny: parsed JSON
async function runJson(...args: string[]): Promise<any[]> {
  const { code, stdout } = await run(...args, "--json");
  expect(code).toBe(0);
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}

async function readStatus(key: string): Promise<number> {
  return (await server.fetch("/api/v1/customers", { key })).status;
}

describe("keys", () => {
  it("keys create: --expires, --requests-per-minute → listed", async () => {
    const key = await createKey("expiring", "--expires", "90d", "--requests-per-minute", "7");
    const { headers } = await server.fetch("/api/v1/customers", { key });
    expect(headers.get("RateLimit-Limit")).toBe("7");
    await createKey("other");
    const [listed, ...others] = await runJson("keys", "list", "--company", "expiring");
    expect(others).toEqual([]);
    expect(listed).toMatchObject({ prefix: key.slice(0, 12), requestsPerMinute: 7, status: "active" });
    expect(Math.abs(Date.parse(listed.expiresAt) - Date.now() - 90 * day)).toBeLessThan(60_000);
    expect((await run("keys", "list", "--company", "nobody")).code).toBe(2);
  });

  it("keys create: user without a name, as in a container → its number is recorded", async () => {
    const noNames =
      "import os from 'node:os'; import { syncBuiltinESMExports } from 'node:module'; os.userInfo = () => { throw new Error('ENOENT') }; syncBuiltinESMExports();";
    const args = ["keys", "create", "--company", "unnamed", "--scopes", "customers:read"];
    const { code, stderr } = await runCommand(args, {
      DATABASE_URL: server.databaseUrl,
      NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(noNames)}`,
    });
    expect([code, stderr]).toEqual([0, ""]);
    const [entry] = await runJson("audit", "--company", "unnamed");
    expect(JSON.stringify(entry)).toContain(`user ${process.getuid?.()}`);
  });

  it("keys rotate: --overlap → a key of the same kind, the old one expires", async () => {
    const old = await createKey("rotating", "--name", "ERP", "--expires", "10d");
    const { code, stdout, stderr } = await run("keys", "rotate", old.slice(0, 12), "--overlap", "2h");
    expect(code).toBe(0);
    expect(stderr).toMatch(new RegExp(`^${old.slice(0, 12)} \\(rotating\\) expires at .+\\.\n$`));
    expect([await readStatus(old), await readStatus(stdout.trim())]).toEqual([200, 200]);
    const [before, after] = await runJson("keys", "list", "--company", "rotating");
    expect(Math.abs(Date.parse(before.expiresAt) - Date.now() - 2 * 3_600_000)).toBeLessThan(60_000);
    expect(Math.abs(Date.parse(after.expiresAt) - Date.now() - 10 * day)).toBeLessThan(60_000);
    expect(after).toMatchObject({ name: "ERP", scopes: before.scopes });

    const again = await run("keys", "rotate", after.prefix, "--overlap", "0s");
    expect([await readStatus(stdout.trim()), await readStatus(again.stdout.trim())]).toEqual([401, 200]);
    const expired = await run("keys", "rotate", after.prefix);
    expect(expired).toMatchObject({ code: 1, stdout: "", stderr: expect.stringContaining("is expired") });
  });

  it("keys: create, rotate, revoke → in the audit trail, with the user", async () => {
    const key = await createKey("audited");
    await run("keys", "rotate", key.slice(0, 12));
    await run("keys", "revoke", key.slice(0, 12));
    await run("keys", "revoke", key.slice(0, 12));
    const [first, second] = await runJson("keys", "list", "--company", "audited");
    const entries = await runJson("audit", "--company", "audited");
    expect(entries.map(({ action, subjectId }) => [action, subjectId])).toEqual([
      ["create key", first.id],
      ["rotate key", first.id],
      ["create key", second.id],
      ["revoke key", first.id],
    ]);
    for (const { by, key } of entries) expect([by, key]).toEqual([expect.stringMatching(/./), null]);
  });
});

describe("companies", () => {
  it("keys create: slug that differs in case only → exit code 1, no key", async () => {
    await createKey("Acme-Case");
    const { code, stdout, stderr } = await run(
      ...["keys", "create", "--company", "acme-case", "--scopes", "customers:read"],
    );
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toBe("There is already a company Acme-Case; slugs must differ in more than their case\n");
    const slugs = (await runJson("companies", "list")).map(({ slug }) => slug);
    expect(slugs.filter((slug) => /acme-case/i.test(slug))).toEqual(["Acme-Case"]);
  });

  it("companies: block, unblock → its keys 401, then 200, others unaffected", async () => {
    const [first, second, other] = [
      await createKey("blocked"),
      await createKey("blocked"),
      await createKey("free"),
    ];
    expect((await run("companies", "block", "blocked")).stderr).toBe("blocked is blocked.\n");
    expect(await Promise.all([first, second, other].map(readStatus))).toEqual([401, 401, 200]);
    expect((await run("companies", "block", "blocked")).stderr).toBe("blocked was already blocked.\n");
    const listed = await runJson("keys", "list", "--company", "blocked");
    expect(listed.map(({ status }) => status)).toEqual(["company blocked", "company blocked"]);
    expect((await run("companies", "unblock", "blocked")).code).toBe(0);
    expect(await Promise.all([first, second].map(readStatus))).toEqual([200, 200]);
    const company = (await runJson("companies", "list")).find(({ slug }) => slug === "blocked");
    expect(company).toMatchObject({ keys: 2, blockedAt: null });
    expect((await runJson("audit", "--company", "blocked")).map(({ action }) => action)).toEqual([
      ...["create key", "create key", "block company", "unblock company"],
    ]);
    expect((await run("companies", "block", "nobody")).code).toBe(2);
  });
});

describe("erase", () => {
  it("erase: customer → no personal data, blocked, audited, keys freed", async () => {
    const partner = await server.partner({ company: "erasing" });
    const personal = { email: "ann@person.example", name: "Ann Person", notes: "Calls on Mondays." };
    const headers = { "Idempotency-Key": "erase-1" };
    const { body } = await partner.send("POST", "/customers", personal, headers);
    const { body: kept } = await partner.send("POST", "/customers", { email: "bob@person.example" });
    const args = ["erase", "--company", "erasing", "--customer", body.data.id];
    const erased = await run(...args);
    expect(erased).toMatchObject({
      code: 0,
      stderr: `Erased ${body.data.id}; deleted 1 idempotency key.\n`,
    });
    const after = await partner.send("GET", `/customers/${body.data.id}`);
    expect(after.body.data).toMatchObject({
      email: `erased+${body.data.id}@erased.invalid`,
      name: null,
      notes: null,
      status: "BLOCKED",
      createdAt: body.data.createdAt,
    });
    expect((await partner.send("GET", "/customers?search=ann")).body.data).toEqual([]);
    expect((await partner.send("GET", `/customers/${kept.data.id}`)).body.data).toEqual(kept.data);

    // The idempotency key and the email can be used again.
    const again = await partner.send("POST", "/customers", personal, headers);
    expect([again.status, again.headers.get("Idempotent-Replayed")]).toEqual([201, null]);

    const repeated = await run(...args);
    expect(repeated).toMatchObject({ code: 0, stderr: `${body.data.id} was already erased.\n` });
    expect((await partner.send("GET", `/customers/${body.data.id}`)).body).toEqual(after.body);
    const entries = await runJson("audit", "--company", "erasing", "--customer", body.data.id);
    expect(entries.map(({ action, fields }) => [action, ...fields])).toEqual([
      ["create"],
      ["update", "name", "status", "notes"],
      ["erase customer"],
    ]);
  });

  it("erase: unknown company or customer → nothing changes", async () => {
    const partner = await server.partner({ company: "foreign" });
    const { body } = await partner.send("POST", "/customers", { email: "stays@person.example" });
    await createKey("not-its-company");
    const id = body.data.id;
    expect((await run("erase", "--company", "nobody", "--customer", id)).code).toBe(2);
    expect((await run("erase", "--company", "not-its-company", "--customer", id)).code).toBe(1);
    expect((await partner.send("GET", `/customers/${id}`)).body).toEqual(body);
  });
});

describe("audit prune", () => {
  it("audit prune: --before → only entries before it are deleted", async () => {
    const partner = await server.partner({ company: "pruned" });
    const emails = Array.from({ length: 501 }, (_, n) => `p${n}@x.example`);
    await Promise.all(emails.map((email) => partner.send("POST", "/customers", { email })));
    await new Promise((resolve) => setTimeout(resolve, 5));
    const before = new Date().toISOString();
    const { body } = await partner.send("POST", "/customers", { email: "last@x.example" });
    const { code, stderr } = await run("audit", "prune", "--before", before);
    expect(code).toBe(0);
    expect(stderr).toMatch(/^Deleted \d+ entries before /);
    const entries = await runJson("audit", "--company", "pruned");
    expect(entries.map(({ action, customerId }) => [action, customerId])).toEqual([["create", body.data.id]]);
    expect((await run("audit", "prune", "--before", before)).stderr).toMatch(/^Deleted 0 entries/);
  });
});
