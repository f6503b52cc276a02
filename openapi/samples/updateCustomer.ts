import { createCustomersClient, readEntityTag, unwrap } from "@distribu/customers-client";

const { API, KEY, ID } = process.env as { API: string; KEY: string; ID: string };
const client = createCustomersClient({ baseUrl: API, apiKey: KEY });

const params = { path: { id: ID } };
const read = await client.GET("/customers/{id}", { params });
// With the ETag of the customer, the update fails with 412 if somebody has changed it since.
const header = { "If-Match": readEntityTag(read) };
const { data: customer } = await unwrap(
  client.PATCH("/customers/{id}", { params: { ...params, header }, body: BODY }),
);
console.log(customer);
