/** The first run on an empty database: something to try, and how. */
import { type ApiKey, createApiKeys } from "./apiKeys.ts";
import { scopes } from "./contract.ts";
import { createOperations } from "./customers.ts";
import type { Database } from "./database/connect.ts";
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
 * Where no key exists yet: makes a company `demo` with a few customers and a key.
 * @returns the key, or undefined where there was nothing to do
 */
export async function createDemo(database: Database): Promise<string | undefined> {
  const key = await createApiKeys(database).createFirst("demo", scopes, "First run");
  if (key === undefined) return undefined;
  const { id: keyId, companyId } = (await createApiKeys(database).find(`Bearer ${key}`)) as ApiKey;
  for (const body of customers) {
    const call = {
      path: {},
      query: {},
      headers: {},
      body,
      rawBody: new Uint8Array(),
      companyId,
      keyId,
    };
    await createOperations(database).createCustomer(call as unknown as Call<"createCustomer">);
  }
  return key;
}

/** What a newcomer is told, once; the key is in no other place. */
export function welcomeText(key: string, url: string): string {
  return `
An empty database: created the company "demo", three customers, and this API key, which is shown only now:

  ${key}

Try it:

  curl -H "Authorization: Bearer ${key}" ${url}/api/v1/customers

Documentation: ${url}/docs
`;
}
