/** The operator's commands, in processes of their own, on a database that a server answers from. */
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { positionOf } from "../../../server/customerIds.ts";
import { fileOf } from "../../support/databaseFaults.ts";
import { createDatabase } from "../../support/databases.ts";
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

let files = 0;
/** Writes a file, and imports it into a partner's company. */
async function importInto(partner: Partner, content: string | Buffer, ...options: string[]) {
  const file = join(folder.path, `${++files}.csv`);
  writeFileSync(file, content);
  const result = await run("import", file, "--company", partner.company, ...options);
  return {
    ...result,
    stdout: result.stdout.trimEnd(),
    /** What was reported, without the name of the file. */
    reports: result.stderr.replaceAll(file, "FILE").trimEnd().split("\n"),
  };
}

type Customer = Record<string, unknown> & { id: string; email: string };

/** All customers of a company, by email. */
async function customersOf(partner: Partner): Promise<Record<string, Customer>> {
  const all: Customer[] = [];
  for (let cursor: string | null = ""; cursor !== null; ) {
    const { body } = await partner.send("GET", `/customers?limit=100&cursor=${cursor}`);
    all.push(...body.data);
    cursor = body.pagination.nextCursor;
  }
  return Object.fromEntries(all.map((customer) => [customer.email, customer]));
}

/** What a file can say of a customer. */
function importable({ email, name, status, notes, creditLimit, taxRateOverride }: Record<string, unknown>) {
  return { email, name, status, notes, creditLimit, taxRateOverride };
}

describe("import", () => {
  it("import: columns in any order and spelling → customers", async () => {
    const partner = await server.partner();
    const { code, stdout } = await importInto(
      partner,
      'Tax_Rate-Override, NOTES ,credit limit,E-Mail,STATUS,Name\n0.07,"Two\nlines",2500.5, Anna@X.Example ,BLOCKED,Ünal\n,,,b@x.example,,\n',
    );
    expect([code, stdout]).toEqual([0, "2 created, 0 updated, 0 unchanged"]);
    const customers = await customersOf(partner);
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
    const customers = await customersOf(partner);
    expect(Object.keys(customers)).toHaveLength(1_201);
    // Newest first: the last row is the newest, and the one from before the import is the oldest.
    expect(Object.keys(customers)[0]).toBe("n1199@x.example");
    expect(Object.keys(customers).at(-1)).toBe("first@x.example");
    const found = (await partner.send("GET", "/customers?search=STRASSE%2077")).body.data;
    expect(found).toEqual([]);
    const { body } = await partner.send(
      "GET",
      `/customers?search=${encodeURIComponent("STRAßE 77")}&status=ACTIVE`,
    );
    expect(body.data.map(({ email }: Customer) => email)).toEqual([
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
    const before = await customersOf(partner);
    const tag = (await partner.send("GET", `/customers/${before["a@x.example"]?.id}`)).headers.get("ETag");
    const { stdout } = await importInto(
      partner,
      "email,name,notes\nA@X.EXAMPLE,A,one\nb@x.example,B,\nc@x.example,C,\n",
    );
    expect(stdout).toBe("1 created, 1 updated, 1 unchanged");
    const after = await customersOf(partner);
    expect(after["a@x.example"]).toEqual(before["a@x.example"]);
    const same = await partner.send("GET", `/customers/${before["a@x.example"]?.id}`);
    expect(same.headers.get("ETag")).toBe(tag);
    const { updatedAt, ...others } = before["b@x.example"] as Customer;
    expect(after["b@x.example"]).toMatchObject({ ...others, notes: null });
    expect(String(after["b@x.example"]?.updatedAt) > String(updatedAt)).toBe(true);
    expect((await partner.send("GET", "/customers?search=c@x")).body.data).toHaveLength(1);
  });

  it("import: absent columns, empty status → unchanged", async () => {
    const partner = await server.partner();
    const full = { name: "A", status: "BLOCKED", notes: "kept", creditLimit: 5, taxRateOverride: 0.1 };
    await partner.send("POST", "/customers", { email: "a@x.example", ...full });
    const before = await customersOf(partner);
    for (const file of [
      "email\na@x.example\n",
      "email,status\na@x.example,\n",
      "email,status\na@x.example,  \n",
    ]) {
      expect((await importInto(partner, file)).stdout).toBe("0 created, 0 updated, 1 unchanged");
    }
    expect(await customersOf(partner)).toEqual(before);
    const { stdout } = await importInto(partner, "name,email,status,creditLimit\n,a@x.example,,\n");
    expect(stdout).toBe("0 created, 1 updated, 0 unchanged");
    const expected = { email: "a@x.example", ...full, name: null, creditLimit: null };
    expect(importable((await customersOf(partner))["a@x.example"] as Customer)).toEqual(expected);
    // The old name is forgotten by the search too.
    expect((await partner.send("GET", "/customers?search=A")).body.data).toHaveLength(1);
  });

  it("import: another company with the same emails → unchanged", async () => {
    const [ours, theirs] = [await server.partner(), await server.partner()];
    for (const partner of [ours, theirs])
      await partner.send("POST", "/customers", { email: "same@x.example", name: "Before" });
    const before = await customersOf(theirs);
    await importInto(ours, "email,name\nsame@x.example,After\nnew@x.example,New\n");
    expect(await customersOf(theirs)).toEqual(before);
    expect((await customersOf(ours))["same@x.example"]?.name).toBe("After");
  });

  it("import: --dry-run → the same report, nothing written", async () => {
    const partner = await server.partner();
    await importInto(partner, "email,name\na@x.example,A\nb@x.example,B\n");
    const before = await customersOf(partner);
    const file = "email,name\na@x.example,A\nb@x.example,Other\nc@x.example,C\n";
    const dry = await importInto(partner, file, "--dry-run");
    expect([dry.code, dry.stdout]).toEqual([
      0,
      "1 created, 1 updated, 1 unchanged (dry run: nothing was written)",
    ]);
    expect(await customersOf(partner)).toEqual(before);
    expect((await importInto(partner, file)).stdout).toBe("1 created, 1 updated, 1 unchanged");
  });

  it("import: wrong rows → line, column and message of each, nothing written", async () => {
    const partner = await server.partner();
    const file = [
      "email,name,status,notes,creditLimit,taxRateOverride",
      "good@x.example,Good,ACTIVE,fine,1,0.1",
      ",No email,,,,",
      "no-address,,,,,",
      "ä@x.example,,,,,",
      '"multi@x.example","a name\nof three\nlines",,,-1,',
      `long@x.example,${"x".repeat(201)},,,,`,
      `notes@x.example,,,${"x".repeat(2001)},,`,
      "status@x.example,,active,,,",
      "limit@x.example,,,,100000001,",
      'comma@x.example,,,,"1,5",',
      "hex@x.example,,,,0x10,",
      "rate@x.example,,,,,0.31",
      "short@x.example",
      "wide@x.example,,,,,,extra",
      "both@x.example,,wrong,,-1,9",
      "nul@x.example,a\u0000b,,,,",
      // In lower case it would be another customer's.
      "\u212aelvin@x.example,,,,,",
      "last@x.example,Good,,,,",
    ].join("\n");
    for (const options of [[], ["--dry-run"]]) {
      const { code, stdout, reports } = await importInto(partner, file, ...options);
      expect([code, stdout]).toEqual([1, ""]);
      expect(reports).toEqual([
        "FILE:3: email: Email is required.",
        "FILE:4: email: Invalid email address.",
        "FILE:5: email: Invalid email address.",
        "FILE:6: creditLimit: Credit limit must be between 0 and 100000000.",
        "FILE:9: name: Name must be between 1 and 200 characters.",
        "FILE:10: notes: Notes must be at most 2000 characters.",
        "FILE:11: status: Invalid status.",
        "FILE:12: creditLimit: Credit limit must be between 0 and 100000000.",
        "FILE:13: creditLimit: Credit limit must be between 0 and 100000000.",
        "FILE:14: creditLimit: Credit limit must be between 0 and 100000000.",
        "FILE:15: taxRateOverride: Tax rate override must be between 0 and 0.3.",
        "FILE:16: 1 cells, where the header has 6",
        "FILE:17: 7 cells, where the header has 6",
        "FILE:18: creditLimit: Credit limit must be between 0 and 100000000.",
        "FILE:19: name: Name must be between 1 and 200 characters.",
        "FILE:20: email: Invalid email address.",
        "16 of 18 rows are bad; nothing was written.",
      ]);
    }
    expect(await customersOf(partner)).toEqual({});
  });

  it("import: empty lines, also within cells → counted as lines", async () => {
    const partner = await server.partner();
    const file = '\nemail,notes\n\n\na@x.example,"x\n\ny"\n\nbad,\n';
    for (const content of [file, file.replaceAll("\n", "\r\n")]) {
      const { reports } = await importInto(partner, content);
      expect(reports[0]).toBe("FILE:9: email: Invalid email address.");
    }
  });

  it("import: an email twice → rejected, nothing written", async () => {
    const partner = await server.partner();
    const { code, reports } = await importInto(
      partner,
      "email\none@x.example\ntwo@x.example\n ONE@x.example\nthree@x.example\none@X.example\n",
    );
    expect(code).toBe(1);
    expect(reports).toEqual([
      expect.stringMatching(/^FILE:4: email: A customer with this email already exists\./),
      expect.stringMatching(/^FILE:6: email: A customer with this email already exists\./),
      "2 of 5 rows are bad; nothing was written.",
    ]);
    expect(await customersOf(partner)).toEqual({});
  });

  it.each<[string, string | Buffer, RegExp]>([
    ["is empty", "", /empty/],
    ["has no email column", "name\nx\n", /no column email/],
    ["has an unknown column", "email,phone\na@x.example,1\n", /unknown column: phone/],
    ["has a column without a name", "email,\na@x.example,1\n", /unknown column/],
    ["has a column twice", "email,name,N-a_me\na@x.example,x,y\n", /name more than once/],
    ["is not UTF-8", Buffer.from("email,name\na@x.example,Z\xfcrich\n", "latin1"), /not UTF-8/],
    ["ends within a character", Buffer.from("email,name\na@x.example,Z\xc3", "latin1"), /not UTF-8/],
    ["ends within quotes", 'email,name\na@x.example,"A\n', /not CSV/],
    ["has text after quotes", 'email,name\na@x.example,"A"b\n', /not CSV/],
  ])("import: a file that %s → rejected", async (_what, content, message) => {
    const partner = await server.partner();
    const { code, stdout, reports } = await importInto(partner, content);
    expect([code, stdout, reports.length]).toEqual([1, "", 1]);
    expect(reports[0]).toMatch(message);
    expect(await customersOf(partner)).toEqual({});
  });

  it("import: byte order mark, CRLF, no last line end, header only → read", async () => {
    const partner = await server.partner();
    const windows = await importInto(
      partner,
      '\ufeff"Email",Notes\r\na@x.example,"one\r\ntwo"\r\nb@x.example,three',
    );
    expect(windows.stdout).toBe("2 created, 0 updated, 0 unchanged");
    const customers = await customersOf(partner);
    expect(customers["a@x.example"]?.notes).toBe("one\r\ntwo");
    expect(customers["b@x.example"]?.notes).toBe("three");
    expect((await importInto(partner, "email\n")).stdout).toBe("0 created, 0 updated, 0 unchanged");
  });

  // PostgreSQL counts the positions itself.
  if (process.env.TEST_ENGINE !== "postgres") {
    it("import: position in the table taken meanwhile → another id", async () => {
      const partner = await server.partner();
      await partner.send("POST", "/customers", { email: "position@x.example" });
      // The import's clock stands, so that it uses up the positions of that millisecond, and begins the next,
      // whose first is taken.
      const time = 2e12;
      const digits = (time + 1).toString(16).padStart(12, "0");
      const id = `${digits.slice(0, 8)}-${digits.slice(8)}-7000-8000-000000000000`;
      const other = new Sqlite(fileOf(server));
      other
        .prepare("update customers set id = ?, position = ? where email = 'position@x.example'")
        .run(id, positionOf(id));
      other.close();
      const file = join(folder.path, "many.csv");
      const emails = Array.from({ length: 2 ** 15 + 1 }, (_, n) => `many-${n}@x.example`);
      writeFileSync(file, ["email", ...emails].join("\n"));
      const { code, stdout, stderr } = await runCommand(["import", file, "--company", partner.company], {
        DATABASE_URL: server.databaseUrl,
        NODE_OPTIONS: `--import=data:text/javascript,Date.now=()=>${time}`,
      });
      expect([code, stdout, stderr]).toEqual([0, `${emails.length} created, 0 updated, 0 unchanged\n`, ""]);
      const { body } = await partner.send("GET", `/customers/${id}`);
      expect(body.data).toMatchObject({ id, email: "position@x.example" });
    });
  }
});

describe("audit", () => {
  it("audit: import → its creates and updates, not unchanged or rejected rows", async () => {
    const partner = await server.partner();
    await importInto(partner, "email,name,notes\na@x.example,A,\nb@x.example,B,\nc@x.example,C,\n");
    const file = "email,name,notes\na@x.example,A,n\nb@x.example,B,\nc@x.example,X,n\nd@x.example,D,\n";
    await importInto(partner, file, "--dry-run");
    await importInto(partner, `${file}bad,,\n`);
    await importInto(partner, file);
    const { code, stdout } = await run("audit", "--company", partner.company, "--json");
    expect(code).toBe(0);
    const entries = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line))
      .filter(({ action }) => action !== "create key");
    const { a, b, c, d } = Object.fromEntries(
      Object.values(await customersOf(partner)).map(({ id, email }) => [email[0], id]),
    );
    const seen = entries.map(({ action, customerId, fields }) => [action, customerId, ...fields].join(" "));
    expect(seen.slice(0, 3)).toEqual([`create ${a}`, `create ${b}`, `create ${c}`]);
    expect(seen.slice(3).sort()).toEqual(
      [`create ${d}`, `update ${a} notes`, `update ${c} name,notes`.replace(",", " ")].sort(),
    );
    expect(entries.map(({ key }) => key)).toEqual(Array(6).fill(null));
    const customers = await customersOf(partner);
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

describe("export", () => {
  /** Texts that CSV, spreadsheets and databases stumble over. */
  const text = (maxLength: number) =>
    fc.string({
      unit: fc.oneof(
        {
          weight: 3,
          arbitrary: fc.constantFrom(..."'=+-@\t\r\n\",;\\%_ ＝＋－＠a0|", "\r\n", "\ufeff", "\u2028"),
        },
        { weight: 1, arbitrary: fc.string({ unit: "grapheme", minLength: 1, maxLength: 1 }) },
      ),
      minLength: 1,
      maxLength,
    });
  const nullable = <Value>(value: fc.Arbitrary<Value>) => fc.option(value, { nil: null });
  const emailStart = fc.constantFrom("a", "=1+1", "'quoted", "+plus", "-minus", "''=x", "o'neil");
  const customers = fc
    .array(
      fc.record({
        start: emailStart,
        name: nullable(text(20)),
        status: fc.constantFrom("ACTIVE", "BLOCKED"),
        notes: nullable(fc.oneof(fc.constant(""), text(40))),
        creditLimit: nullable(
          fc.oneof(fc.double({ min: 0, max: 1e8, noNaN: true }), fc.constantFrom(0, 1e8, 5e-324)),
        ),
        taxRateOverride: nullable(fc.double({ min: 0, max: 0.3, noNaN: true })),
      }),
      { minLength: 30, maxLength: 60 },
    )
    .map((list) => list.map(({ start, ...others }, n) => ({ email: `${start}.${n}@x.example`, ...others })));

  it("export: then import → the same customers", {
    timeout: 120_000,
  }, async () => {
    await fc.assert(
      fc.asyncProperty(customers, async (list) => {
        const [ours, copy] = [await server.partner(), await server.partner()];
        for (const customer of list)
          expect((await ours.send("POST", "/customers", customer)).status).toBe(201);
        const before = await customersOf(ours);

        const { code, stdout } = await run("export", "--company", ours.company);
        expect(code).toBe(0);
        const unchanged = await importInto(ours, stdout);
        expect(unchanged).toMatchObject({
          code: 0,
          stdout: `0 created, 0 updated, ${list.length} unchanged`,
        });
        expect(await customersOf(ours)).toEqual(before);

        const created = await importInto(copy, stdout);
        expect(created).toMatchObject({ code: 0, stdout: `${list.length} created, 0 updated, 0 unchanged` });
        const copied = Object.values(await customersOf(copy)).map(importable);
        // Also their order: the oldest stands first in the file.
        expect(copied).toEqual(Object.values(before).map(importable));
      }),
      { numRuns: 4, seed: 3 },
    );
  });

  it("export: cells that start a formula → quoted by an apostrophe, no others", async () => {
    const partner = await server.partner();
    const texts = ["=1+1", "+1", "-1", "@x", "\tx", "\rx", "'=x", "'x", "x=1", "＝1", ""];
    for (const [n, notes] of texts.entries())
      await partner.send("POST", "/customers", { email: `n${n}@x.example`, notes, creditLimit: n });
    const { stdout } = await run("export", "--company", partner.company);
    const cells = stdout
      .split("\n")
      .slice(1, -1)
      .map((line) => /^[^,]*,[^,]*,ACTIVE,(.*),\d+,$/s.exec(line)?.[1]);
    expect(cells.map((cell) => cell?.replaceAll('"', ""))).toEqual([
      ...["'=1+1", "'+1", "'-1", "'@x", "'\tx", "'\rx", "''=x", "'x", "x=1", "'＝1", ""],
    ]);
    expect(stdout.split("\n")[0]).toBe("email,name,status,notes,creditLimit,taxRateOverride");
  });

  it("export: more than a page, or no customers → all of one company, or the header", async () => {
    const [many, none] = [await server.partner(), await server.partner()];
    const rows = Array.from({ length: 2_001 }, (_, n) => `n${n}@x.example`);
    await importInto(many, ["email", ...rows].join("\n"));
    const { stdout } = await run("export", "--company", many.company);
    expect(
      stdout
        .trimEnd()
        .split("\n")
        .slice(1)
        .map((line) => line.split(",")[0]),
    ).toEqual(rows);
    const empty = await run("export", "--company", none.company);
    expect(empty).toMatchObject({ code: 0, stdout: "email,name,status,notes,creditLimit,taxRateOverride\n" });
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
        const answers = await Promise.all(
          [source, target].map((one) => one.fetch(`/api/v1${path}`, { key })),
        );
        const seen = await Promise.all(
          answers.map(async (answer) => [answer.status, answer.headers.get("ETag"), await answer.text()]),
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
    expect(Object.keys(await customersOf(partner))).toEqual(["a@x.example"]);
  });
});
