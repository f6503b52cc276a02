/** MAX_CUSTOMERS_PER_COMPANY: an import does not exceed it either. */
import { expect, it, onTestFinished } from "vitest";
import { importFile } from "../../support/importing.ts";
import { startServer } from "../../support/server.ts";

it("import: more than the maximum → an error, nothing written; up to it → written", async () => {
  const maxCustomers = 3;
  const server = await startServer({ maxCustomersPerCompany: maxCustomers });
  onTestFinished(server.stop);
  const partner = await server.partner();
  const create = (email: string) => partner.send("POST", "/customers", { email });
  expect((await create("first@limit.example")).status).toBe(201);
  const importRows = (count: number) => {
    const emails = Array.from({ length: count }, (_, index) => `row-${index}@limit.example`);
    return importFile(server, partner, `email\n${emails.join("\n")}\n`, { maxCustomers });
  };
  expect(await importRows(3)).toEqual({
    lines: [
      "Nothing was written: with 3 new customers, the company would have 4. MAX_CUSTOMERS_PER_COMPANY is 3.",
    ],
  });
  expect(await importRows(2)).toMatchObject({ created: 2 });
  expect(await importRows(2)).toMatchObject({ unchanged: 2 });
  expect((await create("last@limit.example")).status).toBe(503);
});
