import { cpSync, readdirSync, readFileSync } from "node:fs";
import type http from "node:http";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { build } from "vite";
import { afterAll, beforeAll, describe, expect, onTestFinished } from "vitest";
import { type Fault, faults, type Network, openNetwork } from "../support/network.ts";
import { serve } from "../support/otherServers.ts";
import { installClient } from "../support/packages.ts";
import { createKeyByCommand, runProgram, spawnServer } from "../support/processes.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { temporaryFolder } from "../support/temporaryFolder.ts";
import { insecureHost, it } from "./browser.ts";

/** Globals that the page defines. */
declare const client: import("../../client/index.ts").CustomersClient;
declare const customersApi: typeof import("../../client/index.ts");

const folder = temporaryFolder();

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(async () => {
  await server.stop();
  folder.remove();
});

/** A project like a partner's: the page, and the package as published. */
beforeAll(async () => {
  installClient(folder.path);
  cpSync("test/browser/page", folder.path, { recursive: true });
  await build({ root: folder.path, logLevel: "warn", build: { target: "es2022" } });
});

/** Serves the built page, with a policy that allows no code but its own. */
function servePage(request: http.IncomingMessage, response: http.ServerResponse): void {
  const { pathname, searchParams } = new URL(request.url as string, "http://page");
  const path = pathname === "/" ? "/index.html" : pathname;
  response.setHeader("Content-Type", path.endsWith(".js") ? "text/javascript" : "text/html");
  const policy = `default-src 'self'; connect-src 'self' ${searchParams.get("api") ?? ""}; img-src data:`;
  response.setHeader("Content-Security-Policy", policy);
  response.end(readFileSync(join(folder.path, "dist", path)));
}

let companies = 0;
/** Opens the page with the key of a new company that has customers with these emails, over a network that can fail. */
async function openPage(page: Page, emails: string[] = []): Promise<Network> {
  const network = await openNetwork(server.url, servePage);
  const apiKey = await server.createKey({ company: `browser-${++companies}` });
  const direct = await server.client(apiKey);
  for (const email of emails) await direct.POST("/customers", { body: { email } });
  await page.goto(`http://${insecureHost}:${new URL(network.url).port}/#${apiKey}`);
  await page.waitForFunction(() => "client" in globalThis);
  // No backoff.
  await page.evaluate(() => void (Math.random = () => 0));
  network.attempts = [];
  return network;
}

async function listEmails(page: Page): Promise<string[]> {
  return page.evaluate(async () => {
    const emails: string[] = [];
    for await (const { email } of client.customers({ limit: 2 })) emails.push(email);
    return emails;
  });
}

describe("client in a browser", () => {
  it("client package: project without Node.js types → compiles, no Node.js code", async () => {
    const compiled = await runProgram("node_modules/.bin/tsc", ["--project", folder.path]);
    expect(compiled).toEqual({ code: 0, stdout: "", stderr: "" });
    const assets = join(folder.path, "dist/assets");
    const code = readdirSync(assets).map((name) => readFileSync(join(assets, name), "utf8"));
    expect(code.join()).toContain("CustomersApiError");
    expect(code.join()).not.toMatch(/\bnode:|\bBuffer\b|\brequire\(/);
  });

  it("browser: list customers → no error, no request to another host", async ({ page, problems }) => {
    await openPage(page, ["a@x.example", "b@x.example", "c@x.example"]);
    expect(await page.locator("li").allTextContents()).toEqual(["c@x.example", "b@x.example", "a@x.example"]);
    expect(problems).toEqual([]);
  });

  it("browser: insecure page → creates, updates by ETag and lists", async ({ page, problems }) => {
    await openPage(page, ["a@x.example", "b@x.example"]);
    const outcome = await page.evaluate(async () => {
      const { readEntityTag, unwrap } = customersApi;
      const created = await client.POST("/customers", { body: { email: "c@x.example", name: "Löwin 😀" } });
      const header = { "If-Match": readEntityTag(created) };
      const params = { path: { id: unwrap(created).data.id }, header };
      const updated = await unwrap(
        client.PATCH("/customers/{id}", { params, body: { taxRateOverride: 0.07 } }),
      );
      return { isSecureContext, ...updated.data };
    });
    expect(outcome).toMatchObject({ isSecureContext: false, name: "Löwin 😀", taxRateOverride: 0.07 });
    expect(await listEmails(page)).toEqual(["c@x.example", "b@x.example", "a@x.example"]);
    expect(problems).toEqual([]);
  });

  it("browser: 400 → CustomersApiError with message, field and request ID", async ({ page }) => {
    await openPage(page);
    const thrown = await page.evaluate(() =>
      customersApi
        .unwrap(client.POST("/customers", { body: { email: "no" } }))
        .catch(({ name, status, message, field, requestId }) => ({
          name,
          status,
          message,
          field,
          hasRequestId: typeof requestId === "string",
        })),
    );
    expect(thrown).toEqual({
      name: "CustomersApiError",
      status: 400,
      message: "Invalid email address.",
      field: "email",
      hasRequestId: true,
    });
  });

  it.for(Object.keys(faults) as Fault[])(
    "browser: createCustomer, %s → one customer",
    async (fault, { page }) => {
      const network = await openPage(page, ["before@x.example"]);
      network.faults.push(fault);
      const created = await page.evaluate(async (timeout) => {
        const { createCustomersClient, unwrap } = customersApi;
        const { origin, hash } = location;
        const own = createCustomersClient({ baseUrl: `${origin}/api/v1`, apiKey: hash.slice(1), timeout });
        return unwrap(await own.POST("/customers", { body: { email: "once@x.example", name: "Löwin" } }));
      }, 3_000);
      expect(created.data).toMatchObject({ email: "once@x.example", name: "Löwin" });
      const attempts = network.attempts.map(({ method, target, headers, body }) => {
        return { method, target, body, key: headers["idempotency-key"] };
      });
      // Chromium itself repeats a request whose kept-alive connection breaks, so there are two or three.
      expect(attempts.length).toBeGreaterThanOrEqual(2);
      for (const attempt of attempts) expect(attempt).toEqual(attempts[0]);
      expect(attempts[0]?.key).toBeDefined();
      expect(await listEmails(page)).toEqual(["once@x.example", "before@x.example"]);
    },
  );

  it("browser: aborted during the backoff → rejects immediately", async ({ page }) => {
    const network = await openPage(page);
    network.faults.push("503 before the server gets it");
    const thrown = await page.evaluate(async () => {
      Math.random = () => 1e6;
      const controller = new AbortController();
      const { createCustomersClient } = customersApi;
      const own = createCustomersClient({
        baseUrl: `${location.origin}/api/v1`,
        apiKey: location.hash.slice(1),
        async fetch(request) {
          const response = await fetch(request);
          // The backoff begins once the response is read.
          setTimeout(() => controller.abort("enough"), 100);
          return response;
        },
      });
      return own.GET("/customers", { signal: controller.signal }).catch((reason) => reason);
    });
    expect(thrown).toBe("enough");
    expect(network.attempts).toHaveLength(1);
  });
});

describe("client on a page of another origin", () => {
  /** Opens the page with a client of a server that allows these origins, by default the page's own. */
  async function openForeignPage(page: Page, allow?: string): Promise<void> {
    const pageUrl = await serve(servePage);
    const database = temporaryFolder();
    onTestFinished(database.remove);
    const DATABASE_URL = `sqlite:${join(database.path, "cors.db")}`;
    const key = await createKeyByCommand(DATABASE_URL);
    const api = await spawnServer({ DATABASE_URL, CORS_ORIGINS: allow ?? pageUrl });
    await page.goto(`${pageUrl}/?api=${encodeURIComponent(api.url)}#${key}`);
  }

  it("CORS_ORIGINS: a listed origin → creates, updates by ETag and lists", async ({ page, problems }) => {
    await openForeignPage(page);
    await page.waitForFunction(() => "client" in globalThis);
    const emails = await page.evaluate(async () => {
      const { readEntityTag, unwrap } = customersApi;
      const created = await client.POST("/customers", { body: { email: "a@cors.example" } });
      const params = {
        path: { id: unwrap(created).data.id },
        header: { "If-Match": readEntityTag(created) },
      };
      await unwrap(client.PATCH("/customers/{id}", { params, body: { name: "Cors" } }));
      const found: string[] = [];
      for await (const { email, name } of client.customers({})) found.push(`${email} ${name}`);
      return found;
    });
    expect(emails).toEqual(["a@cors.example Cors"]);
    expect(problems).toEqual([]);
  });

  it("CORS_ORIGINS: a listed origin → the page can read errors", async ({ page }) => {
    await openForeignPage(page);
    await page.waitForFunction(() => "client" in globalThis);
    const thrown = await page.evaluate(() =>
      customersApi
        .unwrap(client.POST("/customers", { body: { email: "no" } }))
        .catch(({ message, requestId }) => ({ message, hasRequestId: typeof requestId === "string" })),
    );
    expect(thrown).toEqual({ message: "Invalid email address.", hasRequestId: true });
  });

  it("CORS_ORIGINS: another origin → the browser blocks the responses", async ({ page, problems }) => {
    await openForeignPage(page, "https://elsewhere.example");
    await expect.poll(() => problems.join("\n")).toContain("has been blocked by CORS policy");
  });
});
