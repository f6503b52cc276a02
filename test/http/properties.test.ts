import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { CustomersClient } from "../../client/index.ts";
import type { components, operations } from "../../generated/api.ts";
import { arbitraryNumber, arbitraryText, tricky } from "../support/arbitraries.ts";
import { startServer, type TestServer } from "../support/server.ts";

type Customer = components["schemas"]["Customer"];
type CustomerCreate = components["schemas"]["CustomerCreate"];
type CustomerList = components["schemas"]["CustomerList"];
type CustomerUpdate = components["schemas"]["CustomerUpdate"];

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());

/** The number of companies so far: each run has a new one, so that runs do not see each other's customers. */
let companies = 0;
async function createClient(): Promise<CustomersClient> {
  companies += 1;
  return server.client(await server.createKey({ company: `company-${companies}` }));
}

/** Full case folding as specified in the contract, implemented independently of the server. */
function fold(text: string): string {
  const cases = text.normalize("NFC").toLowerCase().toUpperCase().toLowerCase();
  return cases
    .replace(/\u03c2/g, "\u03c3")
    .replace(/i\u0307/g, "i")
    .normalize("NFC");
}

function matches(customer: Customer, search: string): boolean {
  return [customer.email, customer.name ?? ""].some((text) => fold(text).includes(fold(search)));
}

const orNull = <Value>(arbitrary: fc.Arbitrary<Value>) => fc.option(arbitrary, { nil: null, freq: 4 });

const changes = fc.record<CustomerUpdate>(
  {
    name: orNull(tricky),
    notes: orNull(tricky),
    creditLimit: orNull(fc.integer({ min: 0, max: 3 })),
    taxRateOverride: orNull(fc.constantFrom(0, 0.07, 0.3)),
    status: fc.constantFrom("ACTIVE", "BLOCKED"),
  },
  { requiredKeys: [] },
);

const creation: fc.Arbitrary<CustomerCreate> = fc
  .tuple(fc.stringMatching(/^[aAbB]{1,2}@[xX]\.[cC]o$/), changes)
  .map(([email, fields]) => ({ ...fields, email }));

const iteration = fc.record({
  /** Page sizes, used in turn; sizes out of bounds count as the nearest bound. */
  limits: fc.array(fc.constantFrom(-3, 0, 1, 2, 3, 7, 100, 1000), { minLength: 1, maxLength: 4 }),
  status: fc.constantFrom<Customer["status"][]>("ACTIVE", "BLOCKED"),
  filtersByStatus: fc.boolean(),
  search: fc.option(fc.oneof(tricky, fc.constantFrom("a", "B@", ".co", "x", "")), { nil: undefined }),
  /** Customers that other clients create between two pages. */
  meanwhile: fc.array(creation, { maxLength: 2 }),
});

const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ create: creation }) },
  { weight: 3, arbitrary: fc.record({ update: fc.record({ which: fc.nat(), changes }) }) },
  { weight: 2, arbitrary: fc.record({ iterate: iteration }) },
);

/** The model of the API: its customers, newest first, and how each step changes them. */
class Model {
  readonly client: CustomersClient;
  customers: Customer[] = [];

  constructor(client: CustomersClient) {
    this.client = client;
  }

  async create(body: CustomerCreate) {
    const { data, response } = await this.client.POST("/customers", { body });
    const email = body.email.toLowerCase();
    if (this.customers.some((customer) => customer.email === email)) {
      expect(response.status).toBe(409);
      return;
    }
    expect(response.status).toBe(201);
    const created = data?.data as Customer;
    const fields = { name: null, notes: null, creditLimit: null, taxRateOverride: null, status: "ACTIVE" };
    const { id, createdAt } = created;
    expect(created).toEqual({
      ...fields,
      ...body,
      email,
      id,
      createdAt,
      updatedAt: createdAt,
      emailVerified: false,
    });
    this.customers.unshift(created);
  }

  async update(which: number, changes: CustomerUpdate) {
    const before = this.customers[which % this.customers.length];
    if (!before) return;
    const { data, response } = await this.client.PATCH("/customers/{id}", {
      params: { path: { id: before.id } },
      body: changes,
    });
    expect(response.status).toBe(200);
    const after = data?.data as Customer;
    const differs = Object.entries(changes).some(([name, value]) => before[name as keyof Customer] !== value);
    expect(after).toEqual({ ...before, ...changes, updatedAt: after.updatedAt });
    if (differs) expect(Date.parse(after.updatedAt)).toBeGreaterThan(Date.parse(before.updatedAt));
    else expect(after.updatedAt).toBe(before.updatedAt);
    this.customers[this.customers.indexOf(before)] = after;
  }

  async page(query: NonNullable<operations["listCustomers"]["parameters"]["query"]>): Promise<CustomerList> {
    const { data } = await this.client.GET("/customers", { params: { query } });
    return data as CustomerList;
  }

  async iterate({ limits, filtersByStatus, meanwhile, ...filters }: Steps["iterate"]) {
    const status = filtersByStatus ? filters.status : undefined;
    const search = filters.search;
    const expected = this.customers.filter(
      (customer) => (!status || customer.status === status) && (!search || matches(customer, search)),
    );
    const seen: Customer[] = [];
    const toCreate = [...meanwhile];
    let cursor: string | null = "";
    for (let page = 0; cursor !== null; page += 1) {
      const limit = limits[page % limits.length] as number;
      const { data, pagination } = await this.page({
        limit,
        cursor,
        ...(status && { status }),
        ...(search !== undefined && { search }),
      });
      const pageSize = Math.min(Math.max(limit, 1), 100);
      expect(data).toEqual(expected.slice(seen.length, seen.length + pageSize));
      seen.push(...data);
      expect(pagination.hasMore).toBe(seen.length < expected.length);
      cursor = pagination.nextCursor;
      const creation = toCreate.pop();
      if (creation) await this.create(creation);
    }
    expect(seen).toEqual(expected);
  }
}

interface Steps {
  iterate: typeof iteration extends fc.Arbitrary<infer Value> ? Value : never;
}

it("all operations: random creates, updates, iterations → same as a model", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 30, size: "max" }), async (steps) => {
      const model = new Model(await createClient());
      for (const step of steps) {
        if ("create" in step) await model.create(step.create);
        else if ("update" in step) await model.update(step.update.which, step.update.changes);
        else await model.iterate(step.iterate);
      }
      await model.iterate({ ...everything, limits: [3] });
    }),
    { numRuns: 40 },
  );
}, 120_000);

it("all operations: random name and notes → returned as sent", async () => {
  const client = await createClient();
  let customers = 0;
  await fc.assert(
    fc.asyncProperty(
      arbitraryText(200),
      arbitraryText(2000),
      arbitraryText(200),
      async (name, notes, renamed) => {
        customers += 1;
        const email = `text-${customers}@fields.example`;
        const created = await client.POST("/customers", { body: { email, name, notes } });
        expect(created.data?.data).toMatchObject({ name, notes });
        const id = created.data?.data.id ?? "";
        const updated = await client.PATCH("/customers/{id}", {
          params: { path: { id } },
          body: { name: renamed },
        });
        expect(updated.data?.data).toMatchObject({ name: renamed, notes });
        const got = await client.GET("/customers/{id}", { params: { path: { id } } });
        expect(got.data?.data).toMatchObject({ name: renamed, notes });
        const listed = await client.GET("/customers", { params: { query: { limit: 1 } } });
        expect(listed.data?.data).toEqual([got.data?.data]);
      },
    ),
    { numRuns: 60 },
  );
});

it("all operations: random numbers → returned exactly", async () => {
  const client = await createClient();
  const { data } = await client.POST("/customers", { body: { email: "number@fields.example" } });
  const params = { path: { id: data?.data.id ?? "" } };
  await fc.assert(
    fc.asyncProperty(
      arbitraryNumber(100_000_000),
      arbitraryNumber(0.3),
      async (creditLimit, taxRateOverride) => {
        await client.PATCH("/customers/{id}", { params, body: { creditLimit, taxRateOverride } });
        const got = await client.GET("/customers/{id}", { params });
        expect(got.data?.data.creditLimit).toBe(creditLimit);
        expect(got.data?.data.taxRateOverride).toBe(taxRateOverride);
      },
    ),
    { numRuns: 100 },
  );
});

it("listCustomers: random search → exactly those that contain the folded text", async () => {
  const names = fc.array(tricky, { minLength: 1, maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(names, fc.array(tricky, { maxLength: 6 }), async (names, terms) => {
      const client = await createClient();
      const customers: Customer[] = [];
      for (const [index, name] of names.entries()) {
        const body = { email: `${"aAbBsSiIkK"[index % 10]}${index}@x.example`, name };
        customers.unshift((await client.POST("/customers", { body })).data?.data as Customer);
      }
      // Random text alone would match little, so parts of names are searched for as well.
      const parts = names.map((name) => [...name].slice(name.length % 3).join("")).filter(Boolean);
      for (const search of [...terms, ...parts, ...parts.map((part) => part.toUpperCase())]) {
        const { data } = await client.GET("/customers", { params: { query: { search, limit: 100 } } });
        expect(data?.data).toEqual(customers.filter((customer) => matches(customer, search)));
      }
    }),
    { numRuns: 25 },
  );
});

const everything = {
  status: "ACTIVE" as const,
  filtersByStatus: false,
  search: undefined,
  meanwhile: [],
};
