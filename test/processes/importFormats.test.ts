/** Files written by spreadsheets and other systems. Reading them does not depend on the database engine. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
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

const utf16be = (text: string) => Buffer.from(text, "utf16le").swap16();

describe("line ends", () => {
  const two = [
    { email: "a@shop.example", name: "Bakery" },
    { email: "b@shop.example", name: "Butcher" },
  ];
  it.each([
    ["LF, then CRLF", "email,name\na@shop.example,Bakery\r\nb@shop.example,Butcher\r\n"],
    ["CRLF, then LF", "email,name\r\na@shop.example,Bakery\nb@shop.example,Butcher\n"],
    ["CR alone", "email,name\ra@shop.example,Bakery\rb@shop.example,Butcher\r"],
    ["all three", "email,name\ra@shop.example,Bakery\r\nb@shop.example,Butcher\n"],
    ["quoted cells before each", '"email","name"\r"a@shop.example","Bakery"\r\n"b@shop.example","Butcher"\n'],
    ["none at the end", "email,name\n\r\n\ra@shop.example,Bakery\rb@shop.example,Butcher"],
  ])("import: %s → not part of the cells", async (_ends, content) => {
    for (const chunkSize of [1, 7, 65_536]) {
      const { lines, customers } = await importIntoNewCompany(content, { chunkSize });
      expect([lines, customers]).toEqual([[], two.map((one) => expect.objectContaining(one))]);
    }
  });

  it.each(["\n", "\r\n", "\r"])("import: %j within quotes → kept", async (end) => {
    const { customers } = await importIntoNewCompany(`email,notes\na@shop.example,"one${end}two${end}"\r\n`);
    expect(customers[0].notes).toBe(`one${end}two${end}`);
  });

  it("import: a problem after all kinds of line endings → its line", async () => {
    const content = 'email,notes\r\n\n\r,\r\na@shop.example,"1\r\n2\r3\n4"\rbad,"x"\r\n\r\nworse,\n';
    for (const chunkSize of [1, 65_536]) {
      const { lines } = await importIntoNewCompany(content, { chunkSize });
      expect(lines.map((line) => line.slice(0, line.indexOf(": ")))).toEqual(["FILE:9", "FILE:11"]);
    }
  });
});

describe("spreadsheets", () => {
  it.each([
    ["empty cells", "email,name,notes\na@shop.example,Anna,\n,,\n,,\n"],
    ["spaces and quotes", 'email,name,notes\n  ,"",\na@shop.example,Anna,\n" ", ,\n'],
    ["empty cells before the header", ";;\n;;\nemail;name;notes\na@shop.example;Anna;\n;;\n"],
    ["spaces before the header", "   \nemail;name;notes\na@shop.example;Anna;\n"],
  ])("import: rows of %s → ignored", async (_what, content) => {
    const { lines, customers } = await importIntoNewCompany(content);
    expect([lines, customers.length, customers[0].name]).toEqual([[], 1, "Anna"]);
  });

  it.each([
    ["at the end", "email,name,\na@shop.example,Anna,\n"],
    ["in between", "email,,name,,\na@shop.example,,Anna,,\nb@shop.example, ,Ben,,\n"],
    ["only in the rows", "email,name\na@shop.example,Anna,,\n"],
  ])("import: an empty column without a name %s → ignored", async (_where, content) => {
    const { lines, customers } = await importIntoNewCompany(content);
    expect([lines, customers[0].name]).toEqual([[], "Anna"]);
  });

  it("import: a column without a name that is not empty → an error with its number", async () => {
    const content = "email,,name\na@shop.example,,Anna\nb@shop.example,x,Ben\nc@shop.example,y,Carl\n";
    const { lines } = await importIntoNewCompany(content);
    expect(lines).toEqual([
      'FILE:3: Column 2 has no name in the header but contains "x" in this row. Name it or clear it.',
    ]);
    expect((await importIntoNewCompany(content, { ignoreUnknownColumns: true })).customers).toHaveLength(3);
  });

  it.each([
    [";", "email;name;creditLimit;taxRateOverride\na@shop.example;Anna, Ben;5000;0,07\n"],
    ["; and a decimal dot", "email;name;creditLimit;taxRateOverride\na@shop.example;Anna, Ben;5000;0.07\n"],
    ["a tab", "email\tname\tcreditLimit\ttaxRateOverride\na@shop.example\tAnna, Ben\t5000\t0.07\n"],
    [",", 'email,name,creditLimit,taxRateOverride\na@shop.example,"Anna, Ben",5000,0.07\n'],
    [
      "; within a quoted header of ,",
      '"e-mail",name,credit limit,tax rate override\na@shop.example,"Anna, Ben",5e3,0.07\n',
    ],
    ["sep=;", "sep=;\r\nemail;name;creditLimit;taxRateOverride\r\na@shop.example;Anna, Ben;5000,0;0,07\r\n"],
    [
      "sep=; with empty cells",
      "sep=;; ,;\nemail;name;creditLimit;taxRateOverride\na@shop.example;Anna, Ben;5000;0.07\n",
    ],
    ["sep=|", "SEP=|\nemail|name|creditLimit|taxRateOverride\na@shop.example|Anna, Ben|5000|0.07\n"],
    [
      "sep= with a tab",
      '"sep=\t"\remail\tname\tcreditLimit\ttaxRateOverride\ra@shop.example\tAnna, Ben\t5000\t0.07\r',
    ],
  ])("import: cells separated by %s → detected", async (_delimiter, content) => {
    const { lines, customers } = await importIntoNewCompany(content);
    const expected = { name: "Anna, Ben", creditLimit: 5000, taxRateOverride: 0.07 };
    expect([lines, customers]).toEqual([[], [expect.objectContaining(expected)]]);
  });

  it("import: sep= in a cell → not a delimiter", async () => {
    const { lines, customers } = await importIntoNewCompany(
      "email,name,notes\na@shop.example,Anna,sep=;\nb@shop.example,Ben,\n",
    );
    expect([lines, customers.map(({ notes }) => notes)]).toEqual([[], ["sep=;", null]]);
  });

  it("import: header without known columns → split by the most frequent delimiter", async () => {
    const { lines } = await importIntoNewCompany("Client;Mail, private;Town\n");
    expect(lines[0]).toMatch(/^FILE has 3 unknown columns: "Client", "Mail, private", "Town"\./);
  });

  it("import: quoted empty cell → empty text, without quotes → no value", async () => {
    const { customers } = await importIntoNewCompany('email,notes\na@shop.example,""\nb@shop.example,\n');
    expect(customers.map(({ notes }) => notes)).toEqual(["", null]);
  });

  it("import: a problem after sep= → its line", async () => {
    const { lines } = await importIntoNewCompany("sep=;\nemail;name\nbad;Anna\n");
    expect(lines[0]).toMatch(/^FILE:3: email: "bad"/);
  });

  it.each<[string, Buffer]>([
    ["UTF-16, little-endian", Buffer.from("\ufeffemail\tname\r\na@shop.example\tMüller 🥨\r\n", "utf16le")],
    ["UTF-16, big-endian", utf16be("\ufeffemail,name\na@shop.example,Müller 🥨\n")],
    ["UTF-8 with a byte order mark", Buffer.from("\ufeffemail;name\na@shop.example;Müller 🥨\n")],
    ["UTF-8 with a mark before quotes", Buffer.from('\ufeff"email","name"\na@shop.example,Müller 🥨\n')],
    ["UTF-8 without one", Buffer.from("email,name\na@shop.example,Müller 🥨\n")],
  ])("import: %s → read", async (_encoding, content) => {
    for (const chunkSize of [1, 3, 65_536]) {
      const { lines, customers } = await importIntoNewCompany(content, { chunkSize });
      expect([lines, customers[0]?.name]).toEqual([[], "Müller 🥨"]);
    }
  });

  const rows = (name: string) => `email,name\na@shop.example,Anna\nb@shop.example,${name}\n`;
  const windows1251 = Buffer.from([0xc8, 0xe2, 0xe0, 0xed]);
  const shiftJis = Buffer.from([0x83, 0x54, 0x83, 0x4e, 0x83, 0x89]);
  const macRoman = Buffer.from([0x4d, 0x9f, 0x6c, 0x6c, 0x65, 0x72]);
  const around = (name: Buffer) =>
    Buffer.concat([Buffer.from(rows("")).subarray(0, -1), name, Buffer.from("\n")]);
  it.each<[string, Buffer, RegExp]>([
    [
      "Windows-1252",
      Buffer.from(rows("Zürich"), "latin1"),
      /^FILE:3: not UTF-8 but probably Windows-1252 \("Zürich"\)/,
    ],
    [
      "Windows-1252, ending in a letter",
      Buffer.from("email,name\na@shop.example,André", "latin1"),
      /^FILE:2: .*Windows-1252 \("André"\)/,
    ],
    ["Windows-1251", around(windows1251), /^FILE:3: .*Windows-1251 \("Иван"\)/],
    ["Shift_JIS", around(shiftJis), /^FILE:3: .*Shift_JIS \("サクラ"\)/],
    ["Mac OS Roman", around(macRoman), /^FILE:3: .*Mac OS Roman \("Müller"\)/],
    [
      "UTF-16 without a mark",
      Buffer.from(rows("Anna"), "utf16le"),
      /probably UTF-16 without a byte order mark/,
    ],
    ["UTF-32", Buffer.from([0xff, 0xfe, 0, 0, 0x65, 0, 0, 0]), /UTF-32/],
    ["an Excel workbook", Buffer.from([0x50, 0x4b, 3, 4, 20, 0, 6, 0]), /Excel workbook \(\.xlsx\)/],
    ["an old Excel workbook", Buffer.from([0xd0, 0xcf, 0x11, 0xe0, 0xa1]), /Excel workbook \(\.xls\)/],
  ])("import: %s → an error with the format to save as", async (_encoding, content, message) => {
    for (const chunkSize of [1, 65_536]) {
      const { lines } = await importIntoNewCompany(content, { chunkSize });
      expect(lines).toEqual([expect.stringMatching(message)]);
      expect(lines[0]).toMatch(/Save it as "CSV UTF-8/);
    }
  });

  it("import: UTF-8 ends in the middle of a character → an error with its line", async () => {
    const whole = Buffer.from("email,name\na@shop.example,Zürich\nb@shop.example,é");
    const { lines } = await importIntoNewCompany(whole.subarray(0, -1));
    expect(lines).toEqual(["FILE:3: not UTF-8: the file ends in the middle of a character. Is it complete?"]);
  });

  it("import: text garbled by a wrong encoding → a warning with its line", async () => {
    const content =
      "email,name,notes\na@shop.example,MÃ¼ller,\nb@shop.example,Müller – «É”»,Ã\nc@shop.example,â€œæ—¥æœ¬â€\u009d,\n";
    const { lines, customers } = await importIntoNewCompany(content);
    expect(lines).toEqual([
      'FILE:2: warning: name: "MÃ¼ller" looks like "Müller" decoded with the wrong encoding.',
      expect.stringMatching(/^FILE:4: warning: name: .*“日本”/),
    ]);
    expect(customers.map(({ name }) => name)[0]).toBe("MÃ¼ller");
  });
});
