/** Demo data for the first run on an empty database. */
import { createApiKeys } from "./apiKeys.ts";
import { scopes } from "./contract.ts";
import { newCustomer } from "./customers.ts";
import { createCustomerTable } from "./database/customers.ts";
import type { Database } from "./database/database.ts";
import { createKeyAdministration } from "./keyAdministration.ts";
import type { Call } from "./operations.ts";

const customers = [
  {
    email: "orders@bakery.example",
    name: "Corner Bakery",
    status: "ACTIVE",
    notes: "Delivers on Tuesdays.",
    creditLimit: 5000,
  },
  {
    email: "kitchen@zurloewin.example",
    name: "Gasthaus zur Löwin",
    status: "ACTIVE",
    taxRateOverride: 0.07,
  },
  { email: "late@payer.example", name: "Late Payer Ltd.", status: "BLOCKED" },
] as const satisfies Call<"createCustomer">["body"][];

/**
 * If there are no keys yet, creates a company `demo` with a few customers and a key.
 * @returns the key, or undefined if there was nothing to do
 */
export async function createDemo(database: Database): Promise<string | undefined> {
  const key = await createKeyAdministration(database).createFirst({
    company: "demo",
    scopes,
    name: "First run",
  });
  if (key === undefined) return undefined;
  const apiKey = await createApiKeys(database).find(`Bearer ${key}`);
  if (!apiKey) throw new Error("The demo's key is not live");
  const table = createCustomerTable(database);
  for (const body of customers)
    await database.write([table.buildInsert(apiKey.companyId, newCustomer(body), apiKey.id)]);
  return key;
}

/** Formats the text for a new user, which is printed once; the key is not stored. */
export function formatWelcome(key: string, url: string): string {
  return `
Empty database: created the company "demo" with three customers and this API key, which is shown only once:

  ${key}

Try it:

  curl -H "Authorization: Bearer ${key}" ${url}/api/v1/customers

Documentation: ${url}/docs
`;
}
