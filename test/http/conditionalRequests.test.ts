import { afterAll, beforeAll, expect, it } from "vitest";
import { startServer, type TestServer } from "../support/server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());

/** A customer with its current tag and its previous one. */
async function createChangedCustomer() {
  const partner = await server.partner();
  const created = await partner.send("POST", "/customers", { email: "tag@x.example", name: "First" });
  const path = `/customers/${created.body.data.id}`;
  const changed = await partner.send("PATCH", path, { name: "Second" });
  return {
    partner,
    path,
    data: changed.body.data,
    stale: created.headers.get("ETag") ?? "",
    tag: changed.headers.get("ETag") ?? "",
  };
}

it("ETag: create and gets of two keys → the same strong tag", async () => {
  const { key, company, send } = await server.partner();
  const created = await send("POST", "/customers", { email: "same@x.example" });
  const tag = created.headers.get("ETag");
  expect(tag).toMatch(/^"[^"]+"$/);
  const path = `/customers/${created.body.data.id}`;
  expect((await send("GET", path)).headers.get("ETag")).toBe(tag);
  const colleague = await server.partner({ company });
  expect(colleague.key).not.toBe(key);
  expect((await colleague.send("GET", path)).headers.get("ETag")).toBe(tag);
});

it("ETag: update → a new tag, the same as of the next get", async () => {
  const { partner, path, stale, tag } = await createChangedCustomer();
  expect(tag).not.toBe(stale);
  expect((await partner.send("GET", path)).headers.get("ETag")).toBe(tag);
});

it("ETag: another customer changes → unchanged", async () => {
  const { partner, path, tag } = await createChangedCustomer();
  const other = await partner.send("POST", "/customers", { email: "other@x.example" });
  await partner.send("PATCH", `/customers/${other.body.data.id}`, { name: "Changed" });
  expect((await partner.send("GET", path)).headers.get("ETag")).toBe(tag);
});

it("ETag: listCustomers → none", async () => {
  const { partner } = await createChangedCustomer();
  expect((await partner.send("GET", "/customers")).headers.get("ETag")).toBeNull();
});

it.each<[string, (tag: string) => string]>([
  ["the tag", (tag) => tag],
  ["*", () => "*"],
  ["the weak form of the tag", (tag) => `W/${tag}`],
  ["a list that ends with it", (tag) => `"other", W/"another",${tag}`],
  ["a list that begins with it", (tag) => `${tag} , "other"`],
  ["a list with empty members", (tag) => `,, ${tag},`],
  ["a list with a comma in another tag", (tag) => `"a,b", ${tag}`],
])("If-None-Match: %s → 304 without a body", async (_form, header) => {
  const { partner, path, tag } = await createChangedCustomer();
  for (const method of ["GET", "HEAD"]) {
    const sent = await partner.send(method, path, undefined, { "If-None-Match": header(tag) });
    expect([sent.status, sent.text, sent.headers.get("ETag")]).toEqual([304, "", tag]);
    expect(sent.headers.get("Content-Type")).toBeNull();
  }
});

it.each<[string, (tag: string, stale: string) => string]>([
  ["the tag before", (_tag, stale) => stale],
  ["other tags", () => '"a", W/"b"'],
  ["nothing", () => ""],
  ["the tag without its quotes", (tag) => tag.replaceAll('"', "")],
  ["the tag in single quotes", (tag) => tag.replaceAll('"', "'")],
  ["the tag with one quote", (tag) => tag.slice(0, -1)],
  ["the tag with w/ in lower case", (tag) => `w/${tag}`],
  ["the tag after other letters", (tag) => `x${tag}`],
  ["a star in quotes", () => '"*"'],
  ["two stars", () => "**"],
  ["a longer tag", (tag) => `${tag.slice(0, -1)}0"`],
])("If-None-Match: %s → 200", async (_form, header) => {
  const { partner, path, data, tag, stale } = await createChangedCustomer();
  const sent = await partner.send("GET", path, undefined, { "If-None-Match": header(tag, stale) });
  expect([sent.status, sent.body]).toEqual([200, { data }]);
});

it("If-None-Match: two lines, the second matches → 304", async () => {
  const { partner, path, tag } = await createChangedCustomer();
  const [response] = await server.exchange(
    [
      `GET /api/v1${path} HTTP/1.1`,
      "Host: x",
      "Connection: close",
      `Authorization: Bearer ${partner.key}`,
      'If-None-Match: "other"',
      `If-None-Match: ${tag}`,
      "\r\n",
    ].join("\r\n"),
  );
  expect(response?.status).toBe(304);
});

it("If-None-Match: * → 404 for an unknown customer, 200 on listCustomers", async () => {
  const { partner } = await createChangedCustomer();
  const headers = { "If-None-Match": "*" };
  expect((await partner.send("GET", "/customers/unknown", undefined, headers)).status).toBe(404);
  expect((await partner.send("GET", "/customers", undefined, headers)).status).toBe(200);
});

it("If-None-Match: * on updateCustomer → 200, ignored", async () => {
  const { partner, path } = await createChangedCustomer();
  const sent = await partner.send("PATCH", path, { name: "Third" }, { "If-None-Match": "*" });
  expect([sent.status, sent.body.data.name]).toEqual([200, "Third"]);
});

it.each<[string, (tag: string) => string]>([
  ["the tag", (tag) => tag],
  ["*", () => "*"],
  ["a list with it", (tag) => `"other", W/"another" ,${tag}`],
  ["the weak form of the tag", (tag) => `W/${tag}`],
  ["a list with its weak form", (tag) => `"other", W/${tag}`],
])("If-Match: %s → 200", async (_form, header) => {
  const { partner, path, tag } = await createChangedCustomer();
  const sent = await partner.send("PATCH", path, { name: "Third" }, { "If-Match": header(tag) });
  expect([sent.status, sent.body.data.name]).toEqual([200, "Third"]);
  expect(sent.headers.get("ETag")).not.toBe(tag);
});

it.each<[string, (tag: string, stale: string) => string]>([
  ["the tag before", (_tag, stale) => stale],
  ["the weak tag before", (_tag, stale) => `W/${stale}`],
  ["other tags", () => '"a", W/"b"'],
  ["nothing", () => ""],
  ["the tag without its quotes", (tag) => tag.replaceAll('"', "")],
  ["the tag with w/ in lower case", (tag) => `w/${tag}`],
  ["the tag after other letters", (tag) => `x${tag}`],
  ["a star in quotes", () => '"*"'],
])("If-Match: %s → 412 for any body, nothing changes", async (_form, header) => {
  const { partner, path, data, tag, stale } = await createChangedCustomer();
  for (const body of [{ name: "Third" }, { name: "Second" }, {}]) {
    const sent = await partner.send("PATCH", path, body, { "If-Match": header(tag, stale) });
    expect([sent.status, sent.body]).toEqual([412, { error: "Customer has changed since it was read." }]);
  }
  const got = await partner.send("GET", path);
  expect([got.body, got.headers.get("ETag")]).toEqual([{ data }, tag]);
});

it("If-Match: current, body changes nothing → 200 with the same ETag", async () => {
  const { partner, path, data, tag } = await createChangedCustomer();
  for (const body of [{}, { name: "Second" }]) {
    const sent = await partner.send("PATCH", path, body, { "If-Match": tag });
    expect([sent.status, sent.body, sent.headers.get("ETag")]).toEqual([200, { data }, tag]);
  }
});

it("If-Match: * on 20 concurrent updates → 200 each", async () => {
  const { partner, path } = await createChangedCustomer();
  const sent = await Promise.all(
    Array.from({ length: 20 }, (_, n) =>
      partner.send("PATCH", path, { name: `Name ${n}` }, { "If-Match": "*" }),
    ),
  );
  expect(sent.map(({ status }) => status)).toEqual(Array(20).fill(200));
});

it("If-Match: unknown customer → 404, before 412", async () => {
  const { partner } = await createChangedCustomer();
  for (const header of ["*", '"stale"']) {
    const sent = await partner.send(
      "PATCH",
      "/customers/019ab3f2-7c00-7d3a-9b52-3f6f1f0f6a11",
      { name: "Nobody" },
      { "If-Match": header },
    );
    expect([sent.status, sent.body]).toEqual([404, { error: "Customer not found." }]);
  }
});

it("If-Match: on getCustomer and createCustomer → 200 and 201, ignored", async () => {
  const { partner, path, stale } = await createChangedCustomer();
  const headers = { "If-Match": stale };
  expect((await partner.send("GET", path, undefined, headers)).status).toBe(200);
  expect((await partner.send("POST", "/customers", { email: "new@x.example" }, headers)).status).toBe(201);
});

it("If-Match: 20 concurrent updates under one tag → one 200, 19 times 412", async () => {
  const { partner, path, tag } = await createChangedCustomer();
  const sent = await Promise.all(
    Array.from({ length: 20 }, (_, n) =>
      partner.send("PATCH", path, { name: `Racer ${n}` }, { "If-Match": tag }),
    ),
  );
  expect(sent.map(({ status }) => status).sort()).toEqual([200, ...Array(19).fill(412)]);
  const winner = sent.find(({ status }) => status === 200);
  expect((await partner.send("GET", path)).body).toEqual(winner?.body);
});

it("If-Match: eight callers that retry after 412 → no change is lost", async () => {
  const { partner, path } = await createChangedCustomer();
  async function append(letter: string): Promise<void> {
    for (;;) {
      const { body, headers } = await partner.send("GET", path);
      const notes = (body.data.notes ?? "") + letter;
      const sent = await partner.send("PATCH", path, { notes }, { "If-Match": headers.get("ETag") ?? "" });
      if (sent.status === 200) return;
      expect(sent.status).toBe(412);
    }
  }
  await Promise.all([..."abcdefgh"].map(append));
  const { notes } = (await partner.send("GET", path)).body.data;
  expect([...notes].sort().join("")).toBe("abcdefgh");
});
