import { createCustomersClient, unwrap } from "@distribu/customers-client";

const { API, KEY, ID } = process.env as { API: string; KEY: string; ID: string };
const client = createCustomersClient({ baseUrl: API, apiKey: KEY });

const { data: customer } = await unwrap(client.GET("/customers/{id}", { params: { path: { id: ID } } }));
console.log(customer.email, customer.status);
