/** The page of the sandbox in a browser. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { AxeResults } from "axe-core";
import type { Locator, Page } from "playwright-core";
import { describe, expect } from "vitest";
import { sandboxKeys } from "../../server/sandbox/data.ts";
import { sandboxRequests } from "../../server/sandbox/requests.ts";
import { type SpawnedServer, spawnServer } from "../support/processes.ts";
import { insecureHost, it } from "./browser.ts";
import { listViews } from "./views.ts";

const axeSource = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Starts a sandbox, and opens its page. */
async function openSandbox(page: Page): Promise<SpawnedServer> {
  const sandbox = await spawnServer({}, "dist/server/sandbox/main.js");
  await page.goto(sandbox.url);
  await page.getByRole("button", { name: "Run all" }).waitFor();
  return sandbox;
}

function findRow(page: Page, response: string): Locator {
  return page.locator(`[data-response="${response}"]`);
}

/** Runs the request of a row; returns the element with its response once it has arrived. */
async function run(page: Page, response: string): Promise<Locator> {
  const row = findRow(page, response);
  await row.getByRole("button", { name: "Run" }).click();
  await row.locator(".verdict").waitFor();
  return row.locator(".result");
}

/** Problems other than the error statuses that the page provokes. */
function unexpected(problems: string[]): string[] {
  return problems.filter((problem) => !problem.startsWith("Failed to load resource: the server responded"));
}

describe("sandbox page", () => {
  it("sandbox page: Run all → every response conforms to the contract", async ({ page, problems }) => {
    await openSandbox(page);
    await page.getByRole("button", { name: "Run all" }).click();
    const count = sandboxRequests.length;
    await expect
      .poll(() => page.locator("#progress").textContent(), { timeout: 40_000 })
      .toBe(`${count} of ${count} conform`);
    expect(await page.locator(".request .verdict").allTextContents()).toEqual(
      sandboxRequests.map(() => "Conforms to the contract"),
    );
    expect(unexpected(problems)).toEqual([]);
  });

  it("sandbox page: Run → status, headers and body beside the contract", async ({ page }) => {
    await openSandbox(page);
    const result = await run(page, "listCustomers 400 Limit must be an integer.");
    expect(await result.locator(".response h4").textContent()).toMatch(/^Response 400 \d+ ms$/);
    expect(await result.locator("pre").textContent()).toBe(
      '{\n  "error": "Limit must be an integer.",\n  "field": "limit"\n}',
    );
    await result.getByText(/^\d+ headers$/).click();
    const headers = await result.locator("dt").allTextContents();
    expect(headers).toEqual(expect.arrayContaining(["cache-control", "x-request-id", "ratelimit-remaining"]));
    const contract = await result.locator(".contract").textContent();
    for (const part of ["400 Limit must be an integer.", "field in the example: limit", "X-Request-Id"])
      expect(contract).toContain(part);
  });

  it("sandbox page: another key → that key's response, which conforms too", async ({ page }) => {
    await openSandbox(page);
    const row = findRow(page, "createCustomer 201");
    for (const [key, error] of [
      ["read", "This API key lacks the customers:write scope."],
      ["revoked", "This API key is invalid, expired or revoked."],
      ["none", "Missing or malformed Authorization header. Use: Bearer <api_key>"],
    ] as const) {
      await page.locator("#key").selectOption(key);
      const result = await run(page, "createCustomer 201");
      await expect.poll(() => result.locator(".contract").textContent()).toContain(error);
      expect(await result.locator(".verdict").textContent()).toBe("Conforms to the contract");
      const code = await row.locator("pre code").first().textContent();
      if (key === "none") expect(code).not.toContain("Authorization");
      else expect(code).toContain(sandboxKeys[key].key);
    }
  });

  it("sandbox page: a response that differs → says what differs", async ({ page }) => {
    await openSandbox(page);
    await page.route("**/api/v1/customers?cursor=2", (route) =>
      route.fulfill({ status: 400, contentType: "application/json", body: '{"error":"Bad cursor."}' }),
    );
    const result = await run(page, "listCustomers 400 Invalid cursor.");
    expect(await result.locator(".verdict").textContent()).toBe(
      'Differs: the error message is "Bad cursor."',
    );
  });

  it("sandbox page: Copy → copies the code in the selected language", async ({ page }) => {
    const { url } = await openSandbox(page);
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"], { origin: url });
    const row = findRow(page, "updateCustomer 200");
    await row.getByText("Code").click();
    const starts = { curl: "curl -i -X PATCH", TypeScript: "const response", Python: "import", PHP: "<?php" };
    for (const [language, start] of Object.entries(starts)) {
      await page.locator("#language").selectOption(language);
      await row.locator(".copy").click();
      const read = () => page.evaluate(() => navigator.clipboard.readText());
      await expect.poll(async () => (await read()).startsWith(start)).toBe(true);
      const copied = await read();
      expect(copied).toBe(await row.locator("pre code").textContent());
      expect(copied).toContain(sandboxKeys.both.key);
    }
  });

  it("sandbox page: Copy over HTTP on another host → says to select the code", async ({ page, problems }) => {
    const { port } = await openSandbox(page);
    await page.goto(`http://${insecureHost}:${port}`);
    const row = findRow(page, "updateCustomer 200");
    await row.getByText("Code").click();
    await row.locator(".copy").click();
    await row.getByRole("button", { name: "Select the code and copy it" }).waitFor();
    expect(unexpected(problems)).toEqual([]);
  });

  it("sandbox page: own request → its response, compared with the contract", async ({ page }) => {
    await openSandbox(page);
    const own = page.locator("#own");
    await own.getByLabel("Method").selectOption("POST");
    await own.getByLabel(/^Path/).fill("/customers");
    await own.getByLabel(/^JSON body/).fill('{"email": "own@sandbox.example"}');
    await own.getByRole("button", { name: "Run" }).click();
    await expect.poll(() => own.locator(".response h4").textContent()).toMatch(/^Response 201 /);
    expect(await own.locator(".verdict").textContent()).toBe("Conforms to the contract");
    expect(await own.locator("pre").textContent()).toContain('"email": "own@sandbox.example"');
  });

  it("sandbox page: requests from another program → listed live, without the key", async ({ page }) => {
    const { url } = await openSandbox(page);
    const { key } = sandboxKeys.read;
    const recent = page.locator("#recent li");
    expect(await recent.count()).toBe(0);
    for (const path of ["/customers?limit=1", "/customers/unknown"])
      await fetch(`${url}/api/v1${path}`, { headers: { Authorization: `Bearer ${key}` } });
    await expect.poll(() => recent.allTextContents()).toHaveLength(2);
    const [newest, oldest] = await recent.allTextContents();
    expect(newest).toMatch(/^404GET \/api\/v1\/customers\/unknown.* ms, read$/);
    expect(oldest).toMatch(/^200GET \/api\/v1\/customers\?limit=1.* ms, read$/);
    // If the server had closed the stream for sending nothing, this request would be missing, or the others listed
    // again.
    await page.waitForTimeout(7_000);
    await fetch(`${url}/api/v1/customers`);
    await expect.poll(() => recent.allTextContents()).toHaveLength(3);
  });

  it("sandbox page: keyboard only → a request can be run", async ({ page }) => {
    await openSandbox(page);
    await page.keyboard.press("Tab");
    expect(await page.locator(":focus").textContent()).toBe("Skip to the requests");
    const label = "Run: listCustomers 200 (a page)";
    for (let presses = 0; presses < 30; presses++) {
      if ((await page.locator(":focus").getAttribute("aria-label")) === label) break;
      await page.keyboard.press("Tab");
    }
    expect(await page.locator(":focus").evaluate((focused) => getComputedStyle(focused).outlineStyle)).toBe(
      "solid",
    );
    await page.keyboard.press("Enter");
    await findRow(page, "listCustomers 200 (a page)").getByText("Conforms to the contract").waitFor();
  });

  it("sandbox page: injected script and style → blocked by its policy", async ({ page }) => {
    await openSandbox(page);
    const blocked = await page.evaluate(async () => {
      const directives = new Set<string>();
      document.addEventListener("securitypolicyviolation", (event) =>
        directives.add(event.effectiveDirective),
      );
      const style = document.createElement("style");
      style.textContent = "body { color: red }";
      document.head.append(style);
      document.body.setAttribute("style", "color: red");
      await fetch("https://elsewhere.example").catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, 100));
      return [...directives].sort();
    });
    expect(blocked).toEqual(expect.arrayContaining(["connect-src", "style-src-attr", "style-src-elem"]));
  });

  it.for(listViews(1440, 390))(
    "sandbox page: axe-core at $width px, $mode → no violation, no overflow",
    async ({ width, mode }, { page, problems }) => {
      await page.setViewportSize({ width, height: 900 });
      await page.emulateMedia({ colorScheme: mode });
      await openSandbox(page);
      if (width < 700) {
        // A phone gets a list of operations, about two screens long.
        expect(await page.evaluate(() => document.documentElement.scrollHeight)).toBeLessThan(1_800);
        for (const summary of await page.locator(".group > summary").all()) await summary.click();
      }
      await page.getByRole("button", { name: "Run all" }).click();
      await expect
        .poll(() => page.locator("#progress").textContent(), { timeout: 40_000 })
        .toContain(" conform");
      await findRow(page, "getCustomer 200").getByText("Code").click();
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(width);
      // Playwright evaluates it in the page, whose policy does not allow strings as scripts.
      await page.evaluate(axeSource);
      const { violations } = await page.evaluate(() =>
        (globalThis as unknown as { axe: { run(): Promise<AxeResults> } }).axe.run(),
      );
      const found = violations.flatMap(({ id, nodes }) =>
        nodes.map(({ html, failureSummary }) => `${id}: ${html}\n${failureSummary}`),
      );
      expect(found).toEqual([]);
      expect(unexpected(problems)).toEqual([]);
    },
  );
});
