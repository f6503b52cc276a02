import { CustomersApiError, createCustomersClient, unwrap } from "@distribu/customers-client";

const { API, KEY } = process.env as { API: string; KEY: string };
const client = createCustomersClient({ baseUrl: API, apiKey: KEY });

try {
  // The client sends an Idempotency-Key, and tries again by itself: there will be one customer.
  const body = { email: "kitchen@gasthaus.example", name: "Gasthaus zur Linde", creditLimit: 5000 };
  const { data: customer } = await unwrap(client.POST("/customers", { body }));
  console.log(customer.id, customer.email);
} catch (error) {
  if (!(error instanceof CustomersApiError)) throw error;
  console.error(error.status, error.message, error.field);
  process.exitCode = 1;
}
