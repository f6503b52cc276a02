/** A page as a partner may have it: bundled by Vite, with no types but the browser's. */
import * as customersApi from "@distribu/customers-client";

const { createCustomersClient, unwrap } = customersApi;
const apiKey = location.hash.slice(1);
// The API is where the page is, or at the address that it is given.
const api = new URLSearchParams(location.search).get("api") ?? location.origin;
const client = createCustomersClient({ baseUrl: `${api}/api/v1`, apiKey });

const list = document.querySelector("#customers") as HTMLUListElement;
for await (const customer of client.customers({ status: "ACTIVE" })) {
  const item = document.createElement("li");
  const { data } = await unwrap(client.GET("/customers/{id}", { params: { path: { id: customer.id } } }));
  item.textContent = data.name ?? data.email;
  list.append(item);
}

// What the test does next, it does in this page.
Object.assign(globalThis, { client, customersApi });
