import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { AxeResults } from "axe-core";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { contract, operations } from "../../server/contract.ts";
import { startServer, type TestServer } from "../harness.ts";
import { it } from "./browser.ts";

const root = new URL("../..", import.meta.url);
const docsFile = pathToFileURL(fileURLToPath(new URL("dist/docs.html", root))).href;
const axeSource = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const schemas = Object.keys(contract.components.schemas);
const languages = { sh: "curl", ts: "TypeScript", py: "Python", php: "PHP" };

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());

/** Opens the documentation at a place of it, and waits until it is there. */
async function openDocs(page: Page, hash = "", url = `${server.url}/docs`): Promise<void> {
  await page.goto(`${url}${hash}`);
  await page.locator("h1").first().waitFor();
}

/** What a reader could follow from here. */
function linksOf(page: Page): Promise<string[]> {
  return page.locator("a[href]").evaluateAll((links) => links.map((link) => link.getAttribute("href") ?? ""));
}

function summaryOf(operationId: string): string {
  // biome-ignore lint/suspicious/noExplicitAny: a parsed document
  const all = Object.values<any>(contract.paths).flatMap((path) => Object.values<any>(path));
  return all.find((operation) => operation.operationId === operationId).summary;
}

describe("the documentation in a browser", () => {
  it("shows every section, every operation and each field of it on one page", async ({ page, problems }) => {
    await openDocs(page);
    const headings = await page.locator("h1, h2").evaluateAll((all) => all.map((one) => one.textContent));
    const sections = [...contract.info.description.matchAll(/^## (.+)$/gm)].map(([, title]) => title);
    const summaries = operations.map(({ operationId }) => summaryOf(operationId));
    expect(headings.slice(1)).toEqual([...sections, ...summaries]);
    const text = (await page.locator("#api-content").textContent()) ?? "";
    for (const field of Object.keys(contract.components.schemas.Customer.properties))
      expect(text).toContain(field);
    for (const { parameters } of operations) for (const { name } of parameters) expect(text).toContain(name);
    expect(text.match(/Answer to/g)).toHaveLength(1);
    expect(problems).toEqual([]);
  });

  it("shows every schema", async ({ page, problems }) => {
    await openDocs(page, "#/schemas");
    await page.locator(`[id="schemas/${schemas.at(-1)?.toLowerCase()}"]`).waitFor();
    const headings = await page.locator("h2").evaluateAll((all) => all.map((one) => one.textContent));
    expect(headings.filter((heading) => schemas.includes(heading as string)).sort()).toEqual(schemas.sort());
    expect(problems).toEqual([]);
  });

  it.for(operations.map(({ operationId }) => operationId))(
    "shows the samples of %s as they are run",
    async (operationId, { page, problems }) => {
      await openDocs(page, `#/other/${operationId.toLowerCase()}`);
      const operation = page.locator(`[id="other/${operationId.toLowerCase()}"]`);
      for (const [ending, language] of Object.entries(languages)) {
        await operation.getByText(language, { exact: true }).first().click();
        const file = readFileSync(new URL(`openapi/samples/${operationId}.${ending}`, root), "utf8");
        const shown = operation.getByTestId("source-code").filter({ hasText: file.split("\n")[0] as string });
        expect((await shown.first().innerText()).trim()).toBe(file.trim());
      }
      expect(problems).toEqual([]);
    },
  );

  it("leads somewhere with every link", async ({ page, problems }) => {
    await openDocs(page, "#/schemas");
    await page.locator(`[id="schemas/${schemas.at(-1)?.toLowerCase()}"]`).waitFor();
    const links = new Set(await linksOf(page));
    const [inside, outside] = [[...links], [...links]].map((all, index) =>
      all.filter((link) => link.startsWith("#") === (index === 0)),
    ) as [string[], string[]];
    expect(outside.sort()).toEqual([
      "https://distribu.app",
      "https://opensource.org/license/mit",
      "https://redocly.com/redoc/",
    ]);
    expect(inside.length).toBeGreaterThan(30);
    for (const link of inside) {
      await openDocs(page, link);
      const id = decodeURIComponent(link.slice(2)).toLowerCase();
      const target = id === "" ? page.locator("h1") : page.locator(`[id="${id}"]`);
      await target.first().waitFor({ state: "attached" });
      expect(await target.count(), link).toBeGreaterThan(0);
    }
    expect(problems).toEqual([]);
  });

  it("finds what is searched", async ({ page, problems }) => {
    await openDocs(page);
    await page.keyboard.press("Control+k");
    await page.keyboard.type("Idempotency");
    const results = page.locator('[role="dialog"], [data-component-name^="Search"]');
    await results.getByText("Retries and idempotency").first().click();
    await page.waitForURL(/#\/section\/retries-and-idempotency$/);
    expect(problems).toEqual([]);
  });

  it("lets nothing run but what is in it: no other script, no style, no request", async ({ page }) => {
    const policy = (await server.fetch("/docs")).headers.get("Content-Security-Policy");
    expect(policy).toMatch(/^default-src 'none'; script-src('sha256-| )/);
    expect(policy).not.toMatch(/unsafe|https?:|\*/);
    await openDocs(page);
    const refused = await page.evaluate(async () => {
      const violations: string[] = [];
      document.addEventListener("securitypolicyviolation", (event) =>
        violations.push(event.effectiveDirective),
      );
      const script = document.createElement("script");
      script.textContent = "globalThis.isRun = true";
      document.head.append(script);
      const style = document.createElement("style");
      style.textContent = "h1 { display: none }";
      document.head.append(style);
      document.body.setAttribute("onclick", "globalThis.isRun = true");
      document.body.click();
      await fetch("/healthz").catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, 100));
      return { violations, isRun: "isRun" in globalThis };
    });
    expect(refused.isRun).toBe(false);
    expect(refused.violations.sort()).toEqual([
      "connect-src",
      "script-src-attr",
      "script-src-elem",
      "style-src-elem",
    ]);
  });

  it("is whole with the network cut off", async ({ page, problems }) => {
    const asked: string[] = [];
    await page.route("**", (route) => {
      const url = route.request().url();
      asked.push(url);
      return url === `${server.url}/docs` ? route.continue() : route.abort();
    });
    await openDocs(page);
    await page.context().setOffline(true);
    await page.getByText("Schemas", { exact: true }).first().click();
    await page.locator('[id="schemas/customer"]').waitFor();
    expect(asked).toEqual([`${server.url}/docs`]);
    expect(problems).toEqual([]);
  });

  it("is whole when it is opened as a file", async ({ page, problems }) => {
    await openDocs(page, "", docsFile);
    expect(await page.locator("h2").count()).toBeGreaterThan(operations.length);
    await page.getByText("Schemas", { exact: true }).first().click();
    await page.locator('[id="schemas/customer"]').waitFor();
    expect(problems).toEqual([`asked for ${docsFile}`]);
  });

  const views = [1280, 390].flatMap((width) =>
    (["light", "dark"] as const).flatMap((mode) =>
      ["#/", "#/schemas"].map((place) => ({ width, mode, place })),
    ),
  );
  it.for(views)(
    "has no serious fault of accessibility, and nothing that sticks out: $width px, $mode, $place",
    async ({ width, mode, place }, { page, problems }) => {
      await page.setViewportSize({ width, height: 900 });
      await page.addInitScript((value) => localStorage.setItem("redoc.colorMode", value), mode);
      await openDocs(page, place);
      if (place === "#/schemas") await page.locator('[id="schemas/customer"]').waitFor();
      expect(await page.locator("html").getAttribute("class")).toContain(mode);
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(width);
      await page.evaluate(axeSource);
      const { violations } = await page.evaluate(() =>
        (globalThis as unknown as { axe: { run(): Promise<AxeResults> } }).axe.run(),
      );
      const serious = violations
        .filter(({ impact }) => impact === "serious" || impact === "critical")
        .flatMap(({ id, nodes }) =>
          nodes.map(({ html, failureSummary }) => `${id}: ${html}\n${failureSummary}`),
        );
      expect(serious).toEqual([]);
      expect(problems).toEqual([]);
    },
  );
});
