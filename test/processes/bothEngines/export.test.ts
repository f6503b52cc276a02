/** The export, in its own process, and the import of what it wrote. */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
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

/** Picks the fields of a customer that a file can contain. */
function pickImportable({
  email,
  name,
  status,
  notes,
  creditLimit,
  taxRateOverride,
}: Record<string, unknown>) {
  return { email, name, status, notes, creditLimit, taxRateOverride };
}

const run = (...args: string[]) => runCommand(args, { DATABASE_URL: server.databaseUrl });
const importInto = (partner: Partner, content: string | Buffer, ...options: string[]) =>
  importByCommand(server, partner, folder.path, content, ...options);

/** Options that do not change the result of importing an export. */
const everyOption = ["--in-batches", "--ignore-unknown-columns", "--by", "Zoë", "--map", "email=email"];

describe("export", () => {
  /** Texts that often break CSV, spreadsheets and databases. */
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
        const before = await listCustomersByEmail(ours);

        const { code, stdout } = await run("export", "--company", ours.company);
        expect(code).toBe(0);
        const unchanged = await importInto(ours, stdout);
        expect(unchanged).toMatchObject({
          stderr: "",
          code: 0,
          stdout: `0 created, 0 updated, ${list.length} unchanged`,
        });
        const marked = await run("export", "--company", ours.company, "--bom");
        const again = await importInto(ours, marked.stdout, ...everyOption);
        expect(again.stdout).toBe(`0 created, 0 updated, ${list.length} unchanged`);
        expect(await listCustomersByEmail(ours)).toEqual(before);

        const created = await importInto(copy, stdout);
        expect(created).toMatchObject({ code: 0, stdout: `${list.length} created, 0 updated, 0 unchanged` });
        const copied = Object.values(await listCustomersByEmail(copy)).map(pickImportable);
        // The order too: the oldest is the first in the file.
        expect(copied).toEqual(Object.values(before).map(pickImportable));
      }),
      // Shrinking starts commands for minutes, and would hide the failure behind the timeout.
      { numRuns: 4, seed: 3, endOnFailure: true },
    );
  });

  it("export: cells that start a formula → prefixed with an apostrophe, no others", async () => {
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

  it("export: cell with a line break and = → prefixed with an apostrophe", async () => {
    const partner = await server.partner();
    for (const [n, notes] of ["\n=1", "\r\n=1", "'\n=1"].entries())
      await partner.send("POST", "/customers", { email: `n${n}@x.example`, notes });
    const { stdout } = await run("export", "--company", partner.company);
    for (const cell of ["'\n=1", "'\r\n=1", "''\n=1"]) expect(stdout).toContain(`,"${cell}",`);
    expect((await importInto(partner, stdout)).stdout).toBe("0 created, 0 updated, 3 unchanged");
  });

  it("export: --bom → a byte order mark, which import removes", async () => {
    const partner = await server.partner();
    await partner.send("POST", "/customers", { email: "a@x.example", name: "Müller" });
    const { stdout } = await run("export", "--company", partner.company, "--bom");
    expect(stdout).toMatch(/^\ufeffemail,/);
    expect((await importInto(partner, stdout)).stdout).toBe("0 created, 0 updated, 1 unchanged");
  });

  it("export: a reader that stops, such as head → no error", async () => {
    const partner = await server.partner();
    const emails = Array.from({ length: 20_000 }, (_, n) => `n${n}@x.example`);
    await importInto(partner, ["email", ...emails].join("\n"));
    const command = `${process.execPath} dist/server/cli.js export --company ${partner.company}`;
    const script = `{ ${command}; echo "exit code $?" >&2; } | head -1`;
    const { stdout, stderr } = await runProgram("sh", ["-c", script], { DATABASE_URL: server.databaseUrl });
    expect(stdout).toMatch(/^email,.*\n$/);
    expect(stderr).toMatch(/^Database: .*\nexit code 0\n$/);
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
