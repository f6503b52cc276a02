/** Text that a spreadsheet would run as a formula, in exports and imports. */
import { Writable } from "node:stream";
import { parse } from "csv-parse/sync";
import { expect, it, onTestFinished } from "vitest";
import { exportCustomers } from "../../server/commands/export.ts";
import { findCompany } from "../../server/commands/withDatabase.ts";
import { importFile, listCustomersByEmail } from "../support/importing.ts";
import { startServer } from "../support/server.ts";

const formulas = [
  ...["=1+1", "+1", "-1", "@x", "\tx", "\rx", "\nx", "\uff1d1", "\uff0b1", "\uff0d1", "\uff20x"],
  ...["'=1", "''-1"],
];
const others = ["a=b", "x -1", "it's", "'", "'plain", "''", "5+1"];

it("export: formulas → prefixed with an apostrophe, which import removes", async () => {
  const server = await startServer();
  onTestFinished(() => server.stop());
  const [source, target] = [await server.partner(), await server.partner()];
  for (const [n, name] of [...formulas, ...others].entries())
    await source.send("POST", "/customers", { email: `n${n}@x.example`, name });

  let csv = "";
  const output = new Writable({
    write(chunk, _encoding, done) {
      csv += chunk;
      done();
    },
  });
  await exportCustomers(server.database, await findCompany(server.database, source.company), output);
  const rows: string[][] = parse(csv);
  expect(rows.map(([, name]) => name)).toEqual(["name", ...formulas.map((text) => `'${text}`), ...others]);

  expect((await importFile(server, target, csv)).lines).toEqual([]);
  const names = Object.values(await listCustomersByEmail(target)).map(({ name }) => name);
  expect(names.sort()).toEqual([...formulas, ...others].sort());
});

it("import: formula without an apostrophe → read as it is", async () => {
  const server = await startServer();
  onTestFinished(() => server.stop());
  const partner = await server.partner();
  await importFile(server, partner, "email,name,notes\na@x.example,=1+1,-1\n");
  const { name, notes } = (await listCustomersByEmail(partner))["a@x.example"];
  expect([name, notes]).toEqual(["=1+1", "-1"]);
});
