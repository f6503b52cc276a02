import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startServer, type TestServer } from "./harness.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());

describe("getCustomer", () => {
  it("answers the ten fields of a customer", async () => {
    const client = await server.client();
    const created = await client.POST("/customers", {
      body: { email: "Ten@Fields.example" },
    });
    const { data, response } = await client.GET("/customers/{id}", {
      params: { path: { id: created.data?.data.id ?? "" } },
    });
    expect(response.status).toBe(200);
    expect(data).toEqual(created.data);
    expect(data?.data.email).toBe("ten@fields.example");
  });

  it("answers an id of another company exactly as one that does not exist", async () => {
    const [ours, theirs] = [
      await server.client(),
      await server.client(await server.createKey({ company: "other" })),
    ];
    const created = await ours.POST("/customers", {
      body: { email: "ours@only.example" },
    });
    const foreign = await theirs.GET("/customers/{id}", {
      params: { path: { id: created.data?.data.id ?? "" } },
    });
    const unknown = await theirs.GET("/customers/{id}", {
      params: { path: { id: "01a2088d-1446-75a4-baee-9fe604dc6064" } },
    });
    expect(foreign.response.status).toBe(404);
    expect(foreign.error).toEqual(unknown.error);
  });
});
