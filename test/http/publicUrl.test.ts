/** The public URL of the server: in the served contract, the documentation and `Location`. */
import { expect, it, onTestFinished } from "vitest";
import { parse } from "yaml";
import { readConfig } from "../../server/config.ts";
import { startServer } from "../support/server.ts";

async function readServers(publicUrl?: string) {
  const server = await startServer(publicUrl === undefined ? {} : { publicUrl });
  onTestFinished(() => server.stop());
  const text = async (path: string) => (await server.fetch(path)).text();
  const json = JSON.parse(await text("/openapi.json")).servers;
  const yaml = parse(await text("/openapi.yaml")).servers;
  const html = await text("/docs");
  const [, list = ""] = /"servers":(\[.*?\])/.exec(html) ?? [];
  const postman = JSON.parse(await text("/docs/postman.json")).variable[0].value;
  return { server, json, yaml, postman, docs: JSON.parse(list) };
}

it.each([
  [undefined, "/api/v1"],
  ["https://x.example/a", "https://x.example/a/api/v1"],
])("PUBLIC_URL: %s → listed first: %s", async (publicUrl, first) => {
  const { json, yaml, docs, postman } = await readServers(publicUrl);
  const urls = json.map(({ url }: { url: string }) => url);
  expect(urls).toEqual([first, "https://distribu.app/api/v1", "http://127.0.0.1:3000/api/v1"]);
  expect(yaml).toEqual(json);
  expect(docs).toEqual(json);
  expect(postman).toBe(publicUrl ? first : "https://distribu.app/api/v1");
});

it("PUBLIC_URL: a URL in the contract → listed once", async () => {
  const { json } = await readServers("https://distribu.app");
  expect(json.map(({ url }: { url: string }) => url)).toEqual([
    "https://distribu.app/api/v1",
    "http://127.0.0.1:3000/api/v1",
  ]);
});

it.each([
  ["https://x.example/a", "/a/api/v1/customers/"],
  ["https://x.example", "/api/v1/customers/"],
])("PUBLIC_URL: %s → Location is %s", async (publicUrl, path) => {
  const server = await startServer({ publicUrl });
  onTestFinished(() => server.stop());
  const partner = await server.partner();
  for (const replayed of [null, "true"]) {
    const { status, headers, body } = await partner.send(
      "POST",
      "/customers",
      { email: "placed@x.example" },
      { "Idempotency-Key": "placed" },
    );
    expect([status, headers.get("Idempotent-Replayed")]).toEqual([201, replayed]);
    expect(headers.get("Location")).toBe(`${path}${body.data.id}`);
  }
});

it("PUBLIC_URL: trailing slash → removed; query, user, other scheme → invalid", () => {
  expect(readConfig({ PUBLIC_URL: "https://example.org/partners/" }).publicUrl).toBe(
    "https://example.org/partners",
  );
  for (const PUBLIC_URL of ["example.org", "https://a:b@example.org", "https://example.org?x", "ftp://x"])
    expect(() => readConfig({ PUBLIC_URL })).toThrow("PUBLIC_URL");
});
