/** A page like a partner's: bundled by Vite, with only the browser's types. */
import * as customersApi from "@distribu/customers-client";

const { createCustomersClient, unwrap } = customersApi;
const apiKey = location.hash.slice(1);
// The API has the same origin as the page, unless the query names another one.
const api = new URLSearchParams(location.search).get("api") ?? location.origin;
const client = createCustomersClient({ baseUrl: `${api}/api/v1`, apiKey });

const list = document.querySelector("#customers") as HTMLUListElement;
for await (const customer of client.customers({ status: "ACTIVE" })) {
  const item = document.createElement("li");
  const { data } = await unwrap(client.GET("/customers/{id}", { params: { path: { id: customer.id } } }));
  item.textContent = data.name ?? data.email;
  list.append(item);
}

// The test continues in this page.
Object.assign(globalThis, { client, customersApi });
