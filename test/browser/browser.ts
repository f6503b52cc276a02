/** Chromium for the tests: `it` with a page of its own, and the problems on that page. */
import { type Browser, type Page, chromium as playwright } from "playwright-core";
import { it as base } from "vitest";
import { chromium as executablePath } from "./chromium.ts";

/** A host that resolves to this machine but, unlike `127.0.0.1`, is not a secure context. */
export const insecureHost = "partner.example";

const args = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  `--host-resolver-rules=MAP ${insecureHost} 127.0.0.1`,
];

export const it = base.extend<{ browser: Browser; page: Page; problems: string[] }>({
  browser: [
    // biome-ignore lint/correctness/noEmptyPattern: vitest reads from it what the fixture needs
    async ({}, use) => {
      const browser = await playwright.launch({ executablePath, args });
      await use(browser);
      await browser.close();
    },
    { scope: "file" },
  ],
  /** A page in its own profile. */
  page: async ({ browser }, use) => {
    const context = await browser.newContext();
    await use(await context.newPage());
    await context.close();
  },
  /** Errors in the page's console and code, and requests to any other host. */
  problems: async ({ page }, use) => {
    const problems: string[] = [];
    page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
    page.on("pageerror", (error) => problems.push(String(error)));
    page.on("request", (request) => {
      const { protocol, hostname, href } = new URL(request.url());
      const isLocal = protocol === "data:" || protocol === "blob:" || hostname === "127.0.0.1";
      if (!isLocal && hostname !== insecureHost) problems.push(`requested ${href}`);
    });
    await use(problems);
  },
});
