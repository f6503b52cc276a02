import { afterAll, beforeAll, expect, it } from "vitest";
import { startServer, type TestServer } from "../support/server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());

it("getCustomer: existing customer → 200 with the ten fields", async () => {
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
  expect(Object.keys(data?.data ?? {})).toHaveLength(10);
});

it("getCustomer: customer of another company → 404, as for an unknown ID", async () => {
  const [ours, theirs] = [await server.partner(), await server.partner()];
  const created = await ours.send("POST", "/customers", { email: "ours@only.example" });
  const foreign = await theirs.send("GET", `/customers/${created.body.data.id}`);
  const unknown = await theirs.send("GET", "/customers/01a2088d-1446-75a4-baee-9fe604dc6064");
  expect([foreign.status, foreign.body]).toEqual([404, { error: "Customer not found." }]);
  expect(foreign.text).toBe(unknown.text);
  expect([...foreign.headers.keys()]).toEqual([...unknown.headers.keys()]);
});

const id = "01a2088d-1446-75a4-baee-9fe604dc6064";

it.each([
  `x${id}`,
  `${id}x`,
  `${id}-`,
  id.slice(1),
  "x",
  "0",
  "%00",
  "%F0%9F%98%80",
  "a%2Fb",
  "%20",
  "-1",
  "undefined",
  "' or '1'='1",
])("getCustomer: ID '%s' → 404", async (id) => {
  const { status, body } = await (await server.partner()).send("GET", `/customers/${id}`);
  expect([status, body]).toEqual([404, { error: "Customer not found." }]);
});

it("getCustomer: ID in upper case, in braces, padded → 404", async () => {
  const { send } = await server.partner();
  const { id } = (await send("POST", "/customers", { email: "upper@case.example" })).body.data;
  for (const other of [id.toUpperCase(), `{${id}}`, `${id}%20`, `%20${id}`, id.replaceAll("-", "")])
    expect((await send("GET", `/customers/${other}`)).status).toBe(404);
  expect((await send("GET", `/customers/${id.replace("-", "%2D")}`)).status).toBe(200);
});

it("getCustomer: HEAD → the headers of GET, no body", async () => {
  const { send } = await server.partner();
  const { id } = (await send("POST", "/customers", { email: "head@x.example" })).body.data;
  const [head, get] = [await send("HEAD", `/customers/${id}`), await send("GET", `/customers/${id}`)];
  expect([head.status, head.text]).toEqual([200, ""]);
  for (const name of ["ETag", "Content-Length", "Content-Type"])
    expect(head.headers.get(name)).toBe(get.headers.get(name));
  expect((await send("HEAD", "/customers/unknown")).status).toBe(404);
});
