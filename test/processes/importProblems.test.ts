/** How an import reports problems in files. It does not depend on the database engine. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { csvColumns } from "../../server/commands/csv.ts";
import { importFile, listCustomersByEmail } from "../support/importing.ts";
import { startServer, type TestServer } from "../support/server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server?.stop());

/** Imports a file into a new company. Returns what was printed, and the fields of its customers. */
async function importIntoNewCompany(
  content: string | Buffer,
  options: Parameters<typeof importFile>[3] = {},
) {
  const partner = await server.partner();
  const { lines, created } = await importFile(server, partner, content, options);
  const customers = Object.values(await listCustomersByEmail(partner)).reverse();
  expect(customers).toHaveLength(created ?? 0);
  return { lines, customers };
}

describe("exports of other systems", () => {
  const billing =
    "id,Description,Email,Name,Created (UTC),Delinquent,Currency\ncus_1,,a@shop.example,Anna,2026-01-02 10:00,FALSE,eur\n";

  it("import: unknown columns → one error with all of them and both options", async () => {
    const { lines } = await importIntoNewCompany(billing);
    expect(lines).toEqual([
      `FILE has 5 unknown columns: "id", "Description", "Created (UTC)", "Delinquent", "Currency". Known columns: ${csvColumns.join(", ")}. Skip unknown columns with --ignore-unknown-columns, or map them with --map "Their header=email".`,
    ]);
  });

  it("import: unknown columns with --ignore-unknown-columns → skipped", async () => {
    const { lines, customers } = await importIntoNewCompany(billing, { ignoreUnknownColumns: true });
    expect([lines, customers]).toEqual([
      [],
      [expect.objectContaining({ email: "a@shop.example", name: "Anna" })],
    ]);
  });

  it("import: columns mapped with --map → imported", async () => {
    const content = "Email Address;Full Name;Email\na@shop.example;Anna;other@shop.example\n";
    const map: [string, "email" | "name"][] = [
      ["email address", "email"],
      ["Full Name", "name"],
    ];
    const { lines, customers } = await importIntoNewCompany(content, { map, ignoreUnknownColumns: true });
    expect([lines, customers]).toEqual([
      [],
      [expect.objectContaining({ email: "a@shop.example", name: "Anna" })],
    ]);
  });

  it("import: mapped column with spaces around its name → counts for the delimiter", async () => {
    const map: [string, "email"][] = [["mail address", "email"]];
    const { lines, customers } = await importIntoNewCompany(
      "Mail address ;street, town\na@shop.example;Anna\n",
      {
        map,
        ignoreUnknownColumns: true,
      },
    );
    expect([lines, customers.length]).toEqual([[], 1]);
  });

  it.each<[string, string, Parameters<typeof importFile>[3], RegExp]>([
    [
      "a --map of no column",
      "email\n",
      { map: [["E mail address", "email"]] },
      /^FILE has no column "E mail address", given in --map\. Columns: "email"\.$/,
    ],
    [
      "a --map of no column, others unnamed",
      "email,,\n",
      { map: [["mail", "email"]] },
      /Columns: "email"\.$/,
    ],
    ["one unknown column", "email,town\n", {}, /^FILE has an unknown column: "town"\. Known columns: /],
    ["no email", "name,notes\nx,y\n", {}, /^FILE has no email column\..*--map "Their header=email"/],
    [
      "a column twice",
      "email,name,N-a_me\n",
      {},
      /^FILE has the column name more than once: "name", "N-a_me"\..*--map "name=name"/,
    ],
    ["nothing", "", {}, /^FILE is empty/],
    ["blank rows only", "\n,,\n", {}, /^FILE is empty/],
    ["blank rows of another delimiter", ";;\n;;\n", {}, /^FILE is empty/],
    ["sep= only", "sep=;", {}, /^FILE is empty/],
  ])("import: %s → an error with what to do", async (_what, content, options, message) => {
    expect((await importIntoNewCompany(content, options)).lines).toEqual([expect.stringMatching(message)]);
  });
});

describe("errors", () => {
  it("import: amounts as people write them → each with its text and what to write", async () => {
    const content =
      'email,creditLimit,taxRateOverride\na@shop.example,"5,000.00",0.08\nb@shop.example,5000,8%\nc@shop.example,$5000,0.08\n';
    const { lines } = await importIntoNewCompany(content);
    expect(lines).toEqual([
      'FILE:2: creditLimit: "5,000.00" is not a number: write 5000.00',
      'FILE:3: taxRateOverride: "8%" is not a number: write 0.08',
      'FILE:4: creditLimit: "$5000" is not a number: write 5000',
    ]);
  });

  it.each([
    [",", "5000 €", "is not a number: write 5000"],
    [",", "EUR 5.000,50", "is not a number: write 5000.50"],
    [",", "1'234.5", "is not a number: write 1234.5"],
    [",", "1 234,5", "is not a number: write 1234.5"],
    [",", "1,00,000", "is not a number: write 100000"],
    [",", "5,000", "is not a number: write 5000 or 5"],
    [",", "1,5", "is not a number: write 1.5"],
    [",", ".5", "is not a number: write 0.5"],
    [",", "1,2,3", "is not a number: write a number from 0 to 100000000, or leave it empty"],
    [",", "n/a", "is not a number: write a number from 0 to 100000000, or leave it empty"],
    [",", "0x10", "is not a number: write a number from 0 to 100000000, or leave it empty"],
    [";", "5.000,00", "is not a number: write 5000.00"],
    [";", "5.000", "is ambiguous: write 5000 or 5"],
    [";", "5,123", "is ambiguous: write 5123 or 5.1230"],
    [",", "-1", "Credit limit must be between 0 and 100000000."],
    [";", "100000000,01", "Credit limit must be between 0 and 100000000."],
    [",", "1e999", "Credit limit must be between 0 and 100000000."],
  ])("import: separated by %s, creditLimit %s → what to write", async (delimiter, text, problem) => {
    const { lines } = await importIntoNewCompany(
      `email${delimiter}creditLimit\na@shop.example${delimiter}"${text}"\n`,
    );
    const isRange = problem.startsWith("Credit");
    expect(lines).toEqual([`FILE:2: creditLimit: "${text}"${isRange ? ":" : ""} ${problem}`]);
  });

  it.each([
    [
      "email",
      "Anna <anna@shop.example>",
      '"Anna <anna@shop.example>": Invalid email address. Write one address, such as anna@shop.example.',
    ],
    [
      "email",
      "a@x.example; b@x.example",
      '"a@x.example; b@x.example": Invalid email address. Write one address, such as anna@shop.example.',
    ],
    ["status", "frozen", '"frozen": Invalid status. Write ACTIVE or BLOCKED.'],
    ["taxRateOverride", "8", '"8": Tax rate override must be between 0 and 0.3. Write 0.08 for 8 %.'],
    ["name", "a\u0000b", '"a\\u0000b": Name must be between 1 and 200 characters.'],
    [
      "name",
      "x".repeat(201),
      `"${"x".repeat(60)}…" (201 characters): Name must be between 1 and 200 characters.`,
    ],
  ])("import: a wrong %s (%#) → its text and what to write", async (column, text, problem) => {
    const header = column === "email" ? "email" : `email,${column}`;
    const { lines } = await importIntoNewCompany(
      `${header}\n${column === "email" ? "" : "a@shop.example,"}"${text}"\n`,
    );
    expect(lines).toEqual([`FILE:2: ${column}: ${problem}`]);
  });

  it("import: several invalid cells in a row → each reported, in the contract's order", async () => {
    const { lines } = await importIntoNewCompany("taxRateOverride,email,status,creditLimit\n9,,x,y\n");
    expect(lines.map((line) => line.split(" ")[1])).toEqual([
      "email:",
      "creditLimit:",
      "taxRateOverride:",
      "status:",
    ]);
  });

  it("import: values of a status in any case → read", async () => {
    const { customers } = await importIntoNewCompany(
      "email,status\na@shop.example,Active\nb@shop.example, blocked\n",
    );
    expect(customers.map(({ status }) => status)).toEqual(["ACTIVE", "BLOCKED"]);
  });

  it.each([
    [
      "never closed",
      'email,name\na@shop.example,Anna\nb@shop.example,"Ben\nc@shop.example,C\n',
      /^FILE:3: the quote that opens cell 2 is never closed/,
    ],
    ["never closed, after blank lines", 'email,name\n\n,\n\nb@shop.example,"Ben\n', /^FILE:5: the quote/],
    [
      "never closed, behind lines in the row",
      'email,notes,name\na@shop.example,"1\r\n2",A\nb@shop.example,"1\r\n2\n3","Ben\n',
      /^FILE:6: the quote that opens cell 3 is never closed/,
    ],
    [
      "closed by the next one",
      'email,name\n"a@shop.example","Ben\n"c@shop.example","C"\n',
      /^FILE:2: cell 2 continues after its closing quote/,
    ],
    [
      "never closed in a large file",
      `email,name\na@shop.example,"Ben\n${"c@shop.example,C\n".repeat(100_000)}`,
      /^FILE:2: cell 2 is larger than 1 MB/,
    ],
    [
      "within a text",
      'email,name\na@shop.example,Ben "the baker" Smith\n',
      /^FILE:2: cell 2 has a quote within its text/,
    ],
  ])("import: a quote %s → the line where it opens", async (_what, content, message) => {
    expect((await importIntoNewCompany(content)).lines).toEqual([expect.stringMatching(message)]);
  });

  it("import: rows of too few and too many cells → both numbers", async () => {
    const { lines } = await importIntoNewCompany(
      "email,name,notes\na@shop.example\nb@shop.example,B,,extra\n",
    );
    expect(lines).toEqual([
      "FILE:2: The row has 1 cells, but the header has 3.",
      "FILE:3: The row has 4 cells, but the header has 3.",
    ]);
  });

  it("import: 250 problems → 100 of them, and how many more there are", async () => {
    const { lines } = await importIntoNewCompany(["email", ...Array(250).fill("bad")].join("\n"));
    expect(lines).toHaveLength(101);
    expect(lines.at(-1)).toBe("... and 150 more problems.");
  });

  it("import: an email twice → the line of the first", async () => {
    const { lines } = await importIntoNewCompany(
      "email\none@shop.example\n\n ONE@shop.example\none@Shop.example\nbad\n",
    );
    expect(lines).toEqual([
      expect.stringMatching(/^FILE:6: email: "bad"/),
      'FILE:4: email: "one@shop.example" is already on line 2.',
      'FILE:5: email: "one@shop.example" is already on line 2.',
    ]);
  });
});
