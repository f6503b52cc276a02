/** Chromium for the tests: `it` with a page of its own, and with what went wrong on it. */
import { type Browser, type Page, chromium as playwright } from "playwright-core";
import { it as base } from "vitest";
import { chromium as executablePath } from "./chromium.ts";

/** A host that leads to this machine, but that a browser does not trust as it trusts `127.0.0.1`. */
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
  /** A page in a profile of its own. */
  page: async ({ browser }, use) => {
    const context = await browser.newContext();
    await use(await context.newPage());
    await context.close();
  },
  /** Errors of the page's console and code, and every request to a host that is not this machine. */
  problems: async ({ page }, use) => {
    const problems: string[] = [];
    page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
    page.on("pageerror", (error) => problems.push(String(error)));
    page.on("request", (request) => {
      const { protocol, hostname, href } = new URL(request.url());
      const isLocal = protocol === "data:" || protocol === "blob:" || hostname === "127.0.0.1";
      if (!isLocal && hostname !== insecureHost) problems.push(`asked for ${href}`);
    });
    await use(problems);
  },
});
