/** Code that must not compile. If one of these errors disappears, its directive becomes an error. */
import { describe, expectTypeOf, it } from "vitest";
import {
  type CustomersApiError,
  type CustomersClient,
  type CustomerUpdate,
  readEntityTag,
  unwrap,
} from "../../client/index.ts";
import { forOperations, type ResponseName } from "../../server/commands/contractResponses.ts";
import type { ObservedResponse } from "../../server/contractCheck.ts";
import { ApiError } from "../../server/errors.ts";
import { type Call, type Customer, implementOperations, type Operations } from "../../server/operations.ts";

declare const customer: Customer;
declare const call: Call<"updateCustomer">;
declare const right: Operations;
const pagination = { hasMore: false, nextCursor: null };

it("operations: all responses described → compiles", () => {
  implementOperations({
    ...right,
    listCustomers: async () => ({ status: 200, body: { data: [customer], pagination } }),
    getCustomer: async ({ path }) =>
      path.id === "held"
        ? { status: 304, body: undefined, headers: { ETag: '"a"' } }
        : { status: 200, body: { data: customer } },
    createCustomer: async () => ({ status: 201, body: { data: customer } }),
    updateCustomer: async () => ({ status: 200, body: { data: customer } }),
  });
});

it("operations: one is missing → error", () => {
  const { updateCustomer: _, ...others } = right;
  // @ts-expect-error updateCustomer is missing
  implementOperations({ ...others });
});

it("operations: one is misspelled → error", () => {
  const { updateCustomer, ...others } = right;
  // @ts-expect-error updateCustomer is missing
  implementOperations({ ...others, updateCustomers: updateCustomer });
});

it("operations: undescribed status → error", () => {
  implementOperations({
    ...right,
    // @ts-expect-error 202 is not described
    createCustomer: async () => ({ status: 202, body: { data: customer } }),
    // @ts-expect-error 304 is described, but for getCustomer
    updateCustomer: async () => ({ status: 304, body: undefined }),
  });
});

it("operations: response field missing or of another type → error", () => {
  const { notes: _, ...incomplete } = customer;
  implementOperations({
    ...right,
    // @ts-expect-error notes is missing
    getCustomer: async () => ({ status: 200, body: { data: incomplete } }),
    // @ts-expect-error creditLimit is no string
    updateCustomer: async () => ({ status: 200, body: { data: { ...customer, creditLimit: "5000" } } }),
  });
});

it("operations: response field beyond the contract, at any depth → error", () => {
  implementOperations({
    ...right,
    // @ts-expect-error passwordHash is not described
    getCustomer: async () => ({ status: 200, body: { data: { ...customer, passwordHash: "" } } }),
    // @ts-expect-error total is not described
    listCustomers: async () => ({
      status: 200,
      body: { data: [customer], pagination: { ...pagination, total: 1 } },
    }),
    // @ts-expect-error companyId is not described
    updateCustomer: async ({ companyId }) => ({ status: 200, body: { data: customer, companyId } }),
  });
  implementOperations({
    ...right,
    // @ts-expect-error passwordHash is not described
    listCustomers: async () => ({
      status: 200,
      body: { data: [{ ...customer, passwordHash: "" }], pagination },
    }),
    // @ts-expect-error passwordHash is not described, and comes from a variable
    createCustomer: async () => {
      const body = { data: { ...customer, passwordHash: "" } };
      return { status: 201, body };
    },
  });
});

it("ApiError: message of the operation and status → compiles", () => {
  call.error(412, "Customer has changed since it was read.");
  new ApiError(408, "Request timed out.");
});

it("ApiError: message that the contract lacks → error", () => {
  // @ts-expect-error no such message
  call.error(404, "No such customer.");
  // @ts-expect-error no such message
  new ApiError(404, "No such customer.");
});

it("ApiError: message of another status or operation → error", () => {
  // @ts-expect-error the message of a 404
  call.error(412, "Customer not found.");
  // @ts-expect-error the message of a 404
  new ApiError(412, "Customer not found.");
  // @ts-expect-error the message of createCustomer
  call.error(400, "Email is required.");
});

it("ApiError: undescribed status → error", () => {
  // @ts-expect-error 409 is described, but for createCustomer
  call.error(409, "A customer with this email already exists.");
  // @ts-expect-error 418 is not described
  call.error(418, "Customer not found.");
  // @ts-expect-error 418 is not described
  new ApiError(418, "Customer not found.");
});

it("Call: handler reads what the contract does not describe → error", () => {
  // @ts-expect-error an update has no email
  call.body.email;
  // @ts-expect-error an update has no Idempotency-Key
  call.headers["Idempotency-Key"];
});

it("responses: a status or message left out → error", () => {
  const withoutStatus = {} as Record<Exclude<ResponseName, "getCustomer 304">, ObservedResponse>;
  // @ts-expect-error getCustomer 304 is missing
  withoutStatus satisfies Record<ResponseName, ObservedResponse>;
  const withoutMessage = {} as Record<
    Exclude<ResponseName, "listCustomers 400 Invalid cursor.">,
    ObservedResponse
  >;
  // @ts-expect-error one message of listCustomers 400 is missing
  withoutMessage satisfies Record<ResponseName, ObservedResponse>;
});

it("responses: one that the contract does not have → error", () => {
  forOperations(["getCustomer"], "404 Customer not found.", async () => ({}) as ObservedResponse);
  // @ts-expect-error no such message
  forOperations(["getCustomer"], "404 No such customer.", async () => ({}) as ObservedResponse);
  const both = ["getCustomer", "listCustomers"] as const;
  // @ts-expect-error listCustomers has no 404
  forOperations(both, "404 Customer not found.", async () => ({}) as ObservedResponse);
});

describe("openapi-fetch client", () => {
  const client = {} as CustomersClient;
  const params = { path: { id: "an id" } };

  it("unwrap: result or promise → the body of a success", async () => {
    const result = await client.GET("/customers/{id}", { params });
    expectTypeOf(unwrap(result).data).toEqualTypeOf<Customer>();
    const created = unwrap(client.POST("/customers", { body: { email: "a@b.example" } }));
    expectTypeOf(created).resolves.toEqualTypeOf<{ data: Customer }>();
    const list = await unwrap(client.GET("/customers"));
    expectTypeOf(list.data).toEqualTypeOf<Customer[]>();
    expectTypeOf(list.pagination.nextCursor).toEqualTypeOf<string | null>();
    expectTypeOf(unwrap(client.GET("/customers", { parseAs: "text" }))).resolves.toEqualTypeOf<string>();
  });

  it("customers(): filter that the contract does not have → error", async () => {
    for await (const customer of client.customers({ status: "ACTIVE", search: "a" }))
      expectTypeOf(customer).toEqualTypeOf<Customer>();
    // @ts-expect-error no such status
    client.customers({ status: "active" });
    // @ts-expect-error no such filter
    client.customers({ name: "a" });
    // @ts-expect-error an iteration reads JSON
    client.customers({}, { parseAs: "text" });
  });

  it("updateCustomer: If-Match of an entity tag → compiles, email → error", async () => {
    const result = await client.GET("/customers/{id}", { params });
    const header = { "If-Match": readEntityTag(result) };
    client.PATCH("/customers/{id}", { params: { ...params, header }, body: { notes: null } });
    // @ts-expect-error an update has no email
    ({ email: "a@b.example" }) satisfies CustomerUpdate;
  });

  it("CustomersApiError: fields → those of the API's error", () => {
    const error = {} as CustomersApiError;
    expectTypeOf(error.status).toEqualTypeOf<number>();
    expectTypeOf(error.message).toEqualTypeOf<string>();
    expectTypeOf(error.field).toEqualTypeOf<string | undefined>();
    expectTypeOf(error.requestId).toEqualTypeOf<string | undefined>();
    expectTypeOf(error.retryAfter).toEqualTypeOf<number | undefined>();
  });
});
