/** The import, in its own process, on a database that a server is using. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { toPosition } from "../../../server/customerIds.ts";
import { findFile } from "../../support/databaseFaults.ts";
import { importByCommand, listCustomersByEmail } from "../../support/importing.ts";
import type { Partner } from "../../support/partner.ts";
import { runCommand, runProgram } from "../../support/processes.ts";
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

const importInto = (partner: Partner, content: string | Buffer, ...options: string[]) =>
  importByCommand(server, partner, folder.path, content, ...options);

describe("import", () => {
  it("import: columns in any order and spelling → customers", async () => {
    const partner = await server.partner();
    const { code, stdout } = await importInto(
      partner,
      'Tax_Rate-Override, NOTES ,credit limit,E-Mail,STATUS,Name\n0.07,"Two\nlines",2500.5, Anna@X.Example ,BLOCKED,Ünal\n,,,b@x.example,,\n',
    );
    expect([code, stdout]).toEqual([0, "2 created, 0 updated, 0 unchanged"]);
    const customers = await listCustomersByEmail(partner);
    expect(Object.keys(customers).sort()).toEqual(["anna@x.example", "b@x.example"]);
    expect(customers["anna@x.example"]).toMatchObject({
      name: "Ünal",
      status: "BLOCKED",
      notes: "Two\nlines",
      creditLimit: 2500.5,
      taxRateOverride: 0.07,
      emailVerified: false,
    });
    expect(customers["b@x.example"]).toMatchObject({
      name: null,
      status: "ACTIVE",
      notes: null,
      creditLimit: null,
      taxRateOverride: null,
      emailVerified: false,
    });
  });

  it("import: its customers → found by get, search, update and iteration", async () => {
    const partner = await server.partner();
    await partner.send("POST", "/customers", { email: "first@x.example", name: "First" });
    const rows = Array.from({ length: 1_200 }, (_, n) => `n${n}@x.example,Straße ${n}`);
    await importInto(partner, ["email,name", ...rows].join("\n"));
    const customers = await listCustomersByEmail(partner);
    expect(Object.keys(customers)).toHaveLength(1_201);
    // Newest first: the last row is the newest, and the one from before the import is the oldest.
    expect(Object.keys(customers)[0]).toBe("n1199@x.example");
    expect(Object.keys(customers).at(-1)).toBe("first@x.example");
    const { body } = await partner.send("GET", "/customers?search=STRASSE%2077&status=ACTIVE");
    expect(body.data.map(({ email }: { email: string }) => email)).toEqual([
      ...Array.from({ length: 10 }, (_, n) => `n${779 - n}@x.example`),
      "n77@x.example",
    ]);
    const path = `/customers/${body.data[0].id}`;
    expect((await partner.send("GET", path)).body.data).toEqual(body.data[0]);
    expect((await partner.send("PATCH", path, { name: "Changed" })).status).toBe(200);
    const again = { email: "N77@x.example" };
    expect((await partner.send("POST", "/customers", again)).status).toBe(409);
  });

  it("import: existing emails → changed values only, updatedAt and ETag too", async () => {
    const partner = await server.partner();
    await importInto(partner, "email,name,notes\na@x.example,A,one\nb@x.example,B,two\n");
    const before = await listCustomersByEmail(partner);
    const tag = (await partner.send("GET", `/customers/${before["a@x.example"]?.id}`)).headers.get("ETag");
    const { stdout } = await importInto(
      partner,
      "email,name,notes\nA@X.EXAMPLE,A,one\nb@x.example,B,\nc@x.example,C,\n",
    );
    expect(stdout).toBe("1 created, 1 updated, 1 unchanged");
    const after = await listCustomersByEmail(partner);
    expect(after["a@x.example"]).toEqual(before["a@x.example"]);
    const same = await partner.send("GET", `/customers/${before["a@x.example"]?.id}`);
    expect(same.headers.get("ETag")).toBe(tag);
    const { updatedAt, ...others } = before["b@x.example"];
    expect(after["b@x.example"]).toMatchObject({ ...others, notes: null });
    expect(String(after["b@x.example"]?.updatedAt) > String(updatedAt)).toBe(true);
    expect((await partner.send("GET", "/customers?search=c@x")).body.data).toHaveLength(1);
  });

  it("import: absent columns, empty status → unchanged", async () => {
    const partner = await server.partner();
    const full = { name: "A", status: "BLOCKED", notes: "kept", creditLimit: 5, taxRateOverride: 0.1 };
    await partner.send("POST", "/customers", { email: "a@x.example", ...full });
    const before = await listCustomersByEmail(partner);
    for (const file of [
      "email\na@x.example\n",
      "email,status\na@x.example,\n",
      "email,status\na@x.example,  \n",
    ]) {
      expect((await importInto(partner, file)).stdout).toBe("0 created, 0 updated, 1 unchanged");
    }
    expect(await listCustomersByEmail(partner)).toEqual(before);
    const { stdout } = await importInto(partner, "name,email,status,creditLimit\n,a@x.example,,\n");
    expect(stdout).toBe("0 created, 1 updated, 0 unchanged");
    const expected = { email: "a@x.example", ...full, name: null, creditLimit: null };
    expect((await listCustomersByEmail(partner))["a@x.example"]).toMatchObject(expected);
    // The search no longer finds the old name.
    expect((await partner.send("GET", "/customers?search=A")).body.data).toHaveLength(1);
  });

  it("import: another company with the same emails → unchanged", async () => {
    const [ours, theirs] = [await server.partner(), await server.partner()];
    for (const partner of [ours, theirs])
      await partner.send("POST", "/customers", { email: "same@x.example", name: "Before" });
    const before = await listCustomersByEmail(theirs);
    await importInto(ours, "email,name\nsame@x.example,After\nnew@x.example,New\n");
    expect(await listCustomersByEmail(theirs)).toEqual(before);
    expect((await listCustomersByEmail(ours))["same@x.example"]?.name).toBe("After");
  });

  it("import: --dry-run → the same report, nothing written", async () => {
    const partner = await server.partner();
    await importInto(partner, "email,name\na@x.example,A\nb@x.example,B\n");
    const before = await listCustomersByEmail(partner);
    const file = "email,name\na@x.example,A\nb@x.example,Other\nc@x.example,C\n";
    const dry = await importInto(partner, file, "--dry-run");
    expect([dry.code, dry.stdout]).toEqual([
      0,
      "1 created, 1 updated, 1 unchanged (dry run: nothing was written)",
    ]);
    expect(await listCustomersByEmail(partner)).toEqual(before);
    expect((await importInto(partner, file)).stdout).toBe("1 created, 1 updated, 1 unchanged");
  });

  it("import: invalid rows → the problem of each, nothing written", async () => {
    const partner = await server.partner();
    const file = [
      "email,name,status,notes,creditLimit,taxRateOverride",
      "good@x.example,Good,ACTIVE,fine,1,0.1",
      ",No email,,,,",
      "ä@x.example,,,,,",
      '"multi@x.example","a name\nof three\nlines",,,-1,',
      `notes@x.example,,,${"x".repeat(2001)},,`,
      // In lower case, the email belongs to another customer.
      "\u212aelvin@x.example,,,,,",
      "last@x.example,Good,,,,0.31",
      "good@x.example,Again,,,,",
    ].join("\n");
    for (const options of [[], ["--dry-run"], ["--in-batches"]]) {
      const { code, stdout, reports } = await importInto(partner, file, ...options);
      expect([code, stdout]).toEqual([1, ""]);
      expect(reports).toEqual([
        "FILE:3: email: Email is required.",
        expect.stringMatching(/^FILE:4: email: "ä@x.example": Invalid email address\./),
        'FILE:5: creditLimit: "-1": Credit limit must be between 0 and 100000000.',
        expect.stringMatching(
          /^FILE:8: notes: .* \(2001 characters\): Notes must be at most 2000 characters\.$/,
        ),
        expect.stringMatching(/^FILE:9: email: ".elvin@x.example": Invalid email address\./),
        'FILE:10: taxRateOverride: "0.31": Tax rate override must be between 0 and 0.3.',
        'FILE:11: email: "good@x.example" is already on line 2.',
        "7 of 8 rows have problems. Nothing was written.",
      ]);
    }
    expect(await listCustomersByEmail(partner)).toEqual({});
  });

  it("import: standard input → same as a file", async () => {
    const partner = await server.partner();
    const file = join(folder.path, "piped.csv");
    const command = `cat ${file} | ${process.execPath} dist/server/cli.js import - --company ${partner.company}`;
    const pipe = () => runProgram("sh", ["-c", command], { DATABASE_URL: server.databaseUrl });
    writeFileSync(file, "email,name\na@x.example,Anna\n");
    expect((await pipe()).stdout).toMatch(/^1 created, 0 updated, 0 unchanged in /);
    writeFileSync(file, "email,name\na@x.example,Anna\nbad,\n");
    expect(await pipe()).toMatchObject({ code: 1, stderr: expect.stringMatching(/^stdin:3: email: "bad"/m) });
  });

  it("import: --map and --ignore-unknown-columns → mapped columns only", async () => {
    const partner = await server.partner();
    const options = ["--map", "Mail=email", "--map", "a=b=name", "--ignore-unknown-columns"];
    const { stdout } = await importInto(partner, "id,Mail,a=b\n1,a@x.example,Anna\n", ...options);
    expect(stdout).toBe("1 created, 0 updated, 0 unchanged");
    expect((await listCustomersByEmail(partner))["a@x.example"].name).toBe("Anna");
    for (const map of ["Mail", "=email", "Mail=phone"]) {
      const { code, reports } = await importInto(partner, "email\n", "--map", map);
      expect([code, reports.length]).toEqual([2, 1]);
    }
  });

  it("import: only a header → nothing to do", async () => {
    const { stdout } = await importInto(await server.partner(), "email\n");
    expect(stdout).toBe("0 created, 0 updated, 0 unchanged");
  });

  // PostgreSQL has no column for positions.
  if (process.env.TEST_ENGINE !== "postgres") {
    it("import: position taken by another create meanwhile → another ID", async () => {
      const partner = await server.partner();
      await partner.send("POST", "/customers", { email: "position@x.example" });
      // The import's clock stands still, so it uses up the positions of that millisecond and continues in the next, of
      // which the first is taken.
      const time = 2e12;
      const digits = (time + 1).toString(16).padStart(12, "0");
      const id = `${digits.slice(0, 8)}-${digits.slice(8)}-7000-8000-000000000000`;
      const other = new Sqlite(findFile(server));
      other
        .prepare(
          "update customers set id = ?, position = ?, updated_at = ? where email = 'position@x.example'",
        )
        .run(id, toPosition(id), time + 1);
      other.close();
      const file = join(folder.path, "many.csv");
      const emails = Array.from({ length: 2 ** 15 + 1 }, (_, n) => `many-${n}@x.example`);
      writeFileSync(file, ["email", ...emails].join("\n"));
      const { code, stdout } = await runCommand(["import", file, "--company", partner.company], {
        DATABASE_URL: server.databaseUrl,
        NODE_OPTIONS: `--import=data:text/javascript,Date.now=()=>${time}`,
      });
      const created = new RegExp(`^${emails.length} created, 0 updated, 0 unchanged in `);
      expect([code, stdout]).toEqual([0, expect.stringMatching(created)]);
      const { body } = await partner.send("GET", `/customers/${id}`);
      expect(body.data).toMatchObject({ id, email: "position@x.example" });
    });
  }
});
