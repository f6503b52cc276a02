import { createCustomersClient } from "@distribu/customers-client";

const { API, KEY } = process.env as { API: string; KEY: string };
const client = createCustomersClient({ baseUrl: API, apiKey: KEY });

// All pages, one after another.
for await (const customer of client.customers({ status: "ACTIVE", limit: 100 })) {
  console.log(customer.id, customer.email);
}
