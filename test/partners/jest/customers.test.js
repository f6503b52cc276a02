/** A partner's test under Jest's defaults: CommonJS, no transform of packages. */
const { createCustomersClient, CustomersApiError, unwrap } = require("@distribu/customers-client");

const { DISTRIBU_URL, DISTRIBU_API_KEY: apiKey } = process.env;
const client = createCustomersClient({ baseUrl: `${DISTRIBU_URL}/api/v1`, apiKey });
const email = "buyer@jest.example";

test("creates, finds and lists a customer", async () => {
  const { data } = unwrap(await client.POST("/customers", { body: { email } }));
  expect(data).toMatchObject({ email, status: "ACTIVE" });
  expect(await client.findCustomerByEmail(email)).toEqual(data);
  for await (const customer of client.customers({ limit: 1 })) {
    expect(customer).toEqual(data);
    break;
  }
});

test("throws a CustomersApiError for a second customer with the email", async () => {
  const second = unwrap(client.POST("/customers", { body: { email } }));
  await expect(second).rejects.toThrow(CustomersApiError);
  await expect(second).rejects.toMatchObject({ status: 409 });
});
