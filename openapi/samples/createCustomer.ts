import { createHash } from "node:crypto";
import { CustomersApiError, createCustomersClient, unwrap } from "@distribu/customers-client";

const { API, KEY } = process.env as { API: string; KEY: string };
const client = createCustomersClient({ baseUrl: API, apiKey: KEY });

const body = BODY;
// Derived from the body, so running this again creates no second customer.
const key = createHash("sha256").update(JSON.stringify(body)).digest("hex");
try {
  const params = { header: { "Idempotency-Key": key } };
  const { data: customer } = await unwrap(client.POST("/customers", { params, body }));
  console.log(customer.id, customer.email);
} catch (error) {
  if (!(error instanceof CustomersApiError)) throw error;
  console.error(error.status, error.message, error.field);
  process.exitCode = 1;
}
