import { once } from "node:events";
import type { AddressInfo } from "node:net";
import compression from "compression";
import cors from "cors";
import express, { type ErrorRequestHandler, type Express } from "express";
import helmet from "helmet";
import { expect, it, onTestFinished } from "vitest";
import { createCustomersApi } from "../../server/app.ts";
import { createCheckedFetch } from "../../server/checkedFetch.ts";
import { connectDatabase } from "../../server/database/connect.ts";
import { createKeyAdministration } from "../../server/keyAdministration.ts";
import { createDatabase, pooler } from "../support/databases.ts";

type Options = Parameters<typeof createCustomersApi>[0];

/** Mounts the API in another application, with middlewares that `use` adds before and after it. */
async function mountApi({
  options,
  before = () => {},
  after = () => {},
  path = "/",
}: {
  options?: Options;
  before?(app: Express): void;
  after?(app: Express): void;
  path?: string;
} = {}) {
  const { url: databaseUrl, drop } = await createDatabase();
  const api = await createCustomersApi({
    databaseUrl,
    databasePooler: pooler,
    logLevel: "silent",
    driftCheckOneIn: 0,
    ...options,
  });
  const app = express();
  before(app);
  app.use(path, api.router);
  after(app);
  const server = app.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await api.close();
    await drop();
  });
  const database = await connectDatabase({ url: databaseUrl, pooler });
  const key = await createKeyAdministration(database).create({
    company: "acme",
    scopes: ["customers:read", "customers:write"],
  });
  await database.close();
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const checkedFetch = createCheckedFetch({ strictHeaders: false });
  const headers = { Authorization: `Bearer ${key}`, "Content-Type": "application/json" };
  return {
    url,
    get: (target: string, init: RequestInit = {}) =>
      checkedFetch(url + target, { redirect: "manual", ...init, headers: { ...headers, ...init.headers } }),
    create: (email: string, prefix = "") =>
      checkedFetch(`${url}${prefix}/api/v1/customers`, {
        method: "POST",
        headers,
        body: JSON.stringify({ email }),
      }),
  };
}

it("mounting: app.listen() with helmet, cors, compression, own routes → all work", async () => {
  const { url, get, create } = await mountApi({
    before(app) {
      app.use(helmet(), cors(), compression({ threshold: 0 }));
      app.get("/mine", (_request, response) => void response.send("mine"));
    },
    after(app) {
      app.use((request, response) => void response.status(404).send(`theirs ${request.url}`));
    },
  });
  expect((await create("mounted@x.example")).status).toBe(201);
  const list = await get("/api/v1/customers?email=mounted@x.example");
  expect([list.status, list.headers.get("content-encoding")]).toEqual([200, "gzip"]);
  expect((await list.json()).data).toHaveLength(1);
  expect(list.headers.get("strict-transport-security")).not.toBeNull();
  expect(list.headers.get("access-control-allow-origin")).toBe("*");
  expect(await (await fetch(`${url}/mine`)).text()).toBe("mine");
});

it("mounting: other paths → next() with the URL and response unchanged", async () => {
  const { url } = await mountApi({
    after(app) {
      app.use((request, response) => {
        response.json({
          url: request.url,
          originalUrl: request.originalUrl,
          locals: Object.keys(response.locals),
        });
      });
    },
  });
  for (const target of ["/", "/api/v2/customers?x=1", "/api/v1x", "/docs/", "/%FF", "/nowhere?a=%20"]) {
    const response = await fetch(url + target);
    expect(await response.json()).toEqual({ url: target, originalUrl: target, locals: [] });
    expect(response.headers.get("x-request-id")).toBeNull();
  }
});

it("mounting: unknown path below /api/v1 → our 404 in JSON", async () => {
  const { get } = await mountApi();
  for (const target of ["/api/v1", "/api/v1/", "/api/v1/nowhere", "/api/v1/customers/"]) {
    const response = await get(target);
    expect([response.status, await response.json()]).toEqual([404, { error: "Not found." }]);
  }
});

it("mounting: below a prefix → the same responses there", async () => {
  const options = { publicUrl: "https://x.example/shop" };
  const { url, get, create } = await mountApi({ path: "/shop", options });
  const created = await create("prefix@x.example", "/shop");
  expect(created.status).toBe(201);
  expect(created.headers.get("Location")).toMatch(/^\/shop\/api\/v1\/customers\//);
  const { servers } = await (await fetch(`${url}/shop/openapi.json`)).json();
  expect(servers[0].url).toBe("https://x.example/shop/api/v1");
  const { id } = (await created.json()).data;
  expect((await get(`/shop/api/v1/customers/${id}`)).status).toBe(200);
  expect((await get("/shop/api/v1/customers?limit=1&status=ACTIVE")).status).toBe(200);
  expect((await get("/shop/api/v1/customers?limit=x")).status).toBe(400);
  expect((await fetch(`${url}/shop/healthz`)).status).toBe(200);
  expect((await fetch(`${url}/api/v1/customers`)).status).toBe(404);
});

it("mounting: pages: false → /docs and /healthz are the application's", async () => {
  const { url, get } = await mountApi({
    options: { pages: false },
    after(app) {
      app.get("/healthz", (_request, response) => void response.send("theirs"));
    },
  });
  expect(await (await fetch(`${url}/healthz`)).text()).toBe("theirs");
  expect((await fetch(`${url}/docs`)).status).toBe(404);
  expect((await get("/api/v1/customers")).status).toBe(200);
});

it("mounting: an IP allow list before the API → its own response", async () => {
  const { url, get } = await mountApi({
    before(app) {
      app.use((request, response, next) =>
        request.get("x-blocked") ? void response.status(403).send("blocked") : next(),
      );
    },
  });
  expect((await get("/api/v1/customers")).status).toBe(200);
  const blocked = await fetch(`${url}/api/v1/customers`, { headers: { "x-blocked": "1" } });
  expect([blocked.status, await blocked.text()]).toEqual([403, "blocked"]);
});

it("mounting: an error of the application → its own error handler", async () => {
  const handleTheirs: ErrorRequestHandler = (_error, _request, response, _next) =>
    void response.status(500).send("their error");
  const { url } = await mountApi({
    before(app) {
      app.get("/fails", () => {
        throw new Error("theirs");
      });
    },
    after(app) {
      app.use(handleTheirs);
    },
  });
  expect(await (await fetch(`${url}/fails`)).text()).toBe("their error");
});

it("mounting: a body parser before the API → 500 at once, not a hang", async () => {
  const { create, get } = await mountApi({ before: (app) => void app.use(express.json()) });
  expect((await create("parsed@x.example")).status).toBe(500);
  expect((await get("/api/v1/customers")).status).toBe(200);
});

it("mounting: over 100 header fields under app.listen() → 431", async () => {
  const { get } = await mountApi();
  const headers = Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`X-${n}`, "1"]));
  expect((await get("/api/v1/customers", { headers })).status).toBe(431);
});

it("createCustomersApi: invalid and unknown options → an error that names each", async () => {
  const options = { logLevel: "loud", port: 3000 } as Options;
  await expect(createCustomersApi(options)).rejects.toThrow(/port.*logLevel=loud/s);
});
