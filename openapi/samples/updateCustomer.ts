import { createCustomersClient, entityTagOf, unwrap } from "@distribu/customers-client";

const { API, KEY, ID } = process.env as { API: string; KEY: string; ID: string };
const client = createCustomersClient({ baseUrl: API, apiKey: KEY });

// With the entity tag of what was read, the update is a 412 where somebody has changed it since.
const read = await client.GET("/customers/{id}", { params: { path: { id: ID } } });
const { data: customer } = await unwrap(
  client.PATCH("/customers/{id}", {
    params: { path: { id: ID }, header: { "If-Match": entityTagOf(read) } },
    body: { creditLimit: 7500.5, notes: null },
  }),
);
console.log(customer.creditLimit, customer.updatedAt);
