import type { CustomersClient } from "../../client/index.ts";
import type { components } from "../../generated/api.ts";

type Schemas = components["schemas"];

/** Lists every customer of a client's company, newest first, page by page. */
export async function listAllCustomers(client: CustomersClient): Promise<Schemas["Customer"][]> {
  const customers: Schemas["Customer"][] = [];
  let cursor = "";
  do {
    const { data } = await client.GET("/customers", { params: { query: { limit: 100, cursor } } });
    if (!data) throw new Error("listCustomers did not respond 200");
    const page = data as Schemas["CustomerList"];
    customers.push(...page.data);
    cursor = page.pagination.nextCursor ?? "";
  } while (cursor !== "");
  return customers;
}
