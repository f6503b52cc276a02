import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { AxeResults } from "axe-core";
import type { Locator, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { contract, operations } from "../../server/contract.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { it } from "./browser.ts";

const root = new URL("../..", import.meta.url);
const docsFile = pathToFileURL(fileURLToPath(new URL("dist/docs.html", root))).href;
const axeSource = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const schemas = Object.keys(contract.components.schemas);
const ids = operations.map(({ operationId }) => operationId);
const languages = { sh: "curl", ts: "TypeScript", py: "Python", php: "PHP" };

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());

/** Opens the documentation at an anchor, and waits until it is fully rendered. */
async function openDocs(page: Page, place = "#/", url = `${server.url}/docs`): Promise<void> {
  await page.goto(url + place);
  await findPlace(page, `other/${ids.at(-1)}/responses`).waitFor();
  if (place === "#/schemas") await findPlace(page, `schemas/${schemas.at(-1)}`).waitFor();
}

/** Finds the element of an anchor. Redoc's anchors are in lower case. */
function findPlace(page: Page, name: string): Locator {
  return page.locator(`[id="${name.toLowerCase()}"]`).first();
}

function findSummary(operationId: string): string {
  // biome-ignore lint/suspicious/noExplicitAny: a parsed document
  const all = Object.values<any>(contract.paths).flatMap((path) => Object.values<any>(path));
  return all.find((operation) => operation.operationId === operationId).summary;
}

describe("documentation in a browser", () => {
  it("/docs: introduction and operations → all on one page with all fields", async ({ page, problems }) => {
    await openDocs(page);
    const sections = [...contract.info.description.matchAll(/^## (.+)$/gm)].map(([, title]) => title);
    expect(await page.locator("#api-content h2").allTextContents()).toEqual([
      ...sections,
      "Schemas",
      ...ids.map(findSummary),
    ]);
    const text = await page.locator("#api-content").textContent();
    for (const field of Object.keys(contract.components.schemas.Customer.properties))
      expect(text).toContain(field);
    for (const { parameters, headers } of operations)
      for (const { name } of [...parameters, ...headers]) expect(text).toContain(name);
    expect(problems).toEqual([]);
  });

  it("/docs: schemas → all shown", async ({ page, problems }) => {
    await openDocs(page, "#/schemas");
    const shown = await page.locator('[id^="schemas/"] h2').allInnerTexts();
    expect(shown.sort()).toEqual(schemas.toSorted());
    expect(problems).toEqual([]);
  });

  it.for(ids)("/docs: samples of %s → as tested", async (id, { page, problems }) => {
    await openDocs(page, `#/other/${id.toLowerCase()}`);
    const samples = findPlace(page, `other/${id}`).locator(".panel-request-samples");
    for (const [ending, language] of Object.entries(languages)) {
      await samples.getByRole("button", { name: /^(curl|TypeScript|Python|PHP)$/ }).click();
      await page.locator("[role=menuitem]:visible").getByText(language, { exact: true }).click();
      const file = readFileSync(new URL(`openapi/samples/${id}.${ending}`, root), "utf8");
      await expect.poll(() => samples.getByTestId("source-code").textContent()).toBe(file.trimEnd());
    }
    expect(problems).toEqual([]);
  });

  it("/docs: every link → leads to its target", async ({ page, problems }) => {
    await openDocs(page, "#/schemas");
    const hrefs = await page.locator("a[href]").evaluateAll((all) => all.map((a) => a.getAttribute("href")));
    const links = [...new Set(hrefs as string[])];
    expect(links.filter((link) => !link.startsWith("#")).sort()).toEqual([
      "https://distribu.app",
      "https://opensource.org/license/mit",
      "https://redocly.com/redoc/",
    ]);
    const inside = links.filter((link) => link.startsWith("#") && link !== "#/");
    expect(inside.length).toBeGreaterThan(30);
    const missed: string[] = [];
    for (const link of inside) {
      // After a second `#` comes an anchor within the first one.
      const id = decodeURIComponent(link.slice(2).split("#").at(-1) as string);
      await page.evaluate((hash) => void (location.hash = hash), link);
      await page.waitForFunction(isInView, id, { timeout: 5_000 }).catch(() => missed.push(link));
    }
    expect(missed).toEqual([]);
    expect(problems).toEqual([]);
  });

  it("/docs: search → opens the result", async ({ page, problems }) => {
    await openDocs(page);
    await page.keyboard.press("Control+k");
    await page.keyboard.type("Idempotency-Key");
    await page.getByText("header parameters").first().waitFor();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await page.waitForURL(/#\/other\/createcustomer/);
    expect(problems).toEqual([]);
  });

  it("/docs: script, style or request not of the page → blocked by its policy", async ({ page }) => {
    const policy = (await server.fetch("/docs")).headers.get("Content-Security-Policy");
    expect(policy).toMatch(/^default-src 'none'; script-src('sha256-| )/);
    expect(policy).not.toMatch(/unsafe|https?:|\*/);
    await openDocs(page);
    const blocked = await page.evaluate(async () => {
      // Two identical policies apply, one in the response header and one in the page, hence a set.
      const directives = new Set<string>();
      document.addEventListener("securitypolicyviolation", (event) =>
        directives.add(event.effectiveDirective),
      );
      for (const name of ["script", "style"] as const) {
        const element = document.createElement(name);
        element.textContent = "/* neither code nor rules of the page */";
        document.head.append(element);
      }
      document.body.setAttribute("onclick", "void 0");
      document.body.setAttribute("style", "color: red");
      document.body.click();
      await fetch("/healthz").catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, 100));
      return [...directives];
    });
    expect(blocked).toEqual(
      expect.arrayContaining([
        "connect-src",
        "script-src-attr",
        "script-src-elem",
        "style-src-attr",
        "style-src-elem",
      ]),
    );
  });

  it("/docs: offline once loaded → complete, with no other request", async ({ page, problems }) => {
    const requested: string[] = [];
    await page.route("**", (route) => {
      const url = route.request().url();
      requested.push(url);
      return url === `${server.url}/docs` ? route.continue() : route.abort();
    });
    await openDocs(page);
    await page.context().setOffline(true);
    await page.getByText("Schemas", { exact: true }).first().click();
    await findPlace(page, "schemas/Customer").waitFor();
    expect(requested).toEqual([`${server.url}/docs`]);
    expect(problems).toEqual([]);
  });

  it("docs.html: opened as a file → complete", async ({ page, problems }) => {
    await openDocs(page, "#/", docsFile);
    await page.getByText("Schemas", { exact: true }).first().click();
    await findPlace(page, "schemas/Customer").waitFor();
    expect(problems).toEqual([`requested ${docsFile}`]);
  });

  const views = [1280, 390].flatMap((width) =>
    (["light", "dark"] as const).flatMap((mode) =>
      ["#/", "#/schemas"].map((place) => ({ width, mode, place })),
    ),
  );
  it.for(views)(
    "/docs: $width px, $mode, $place → accessible, no horizontal overflow",
    async ({ width, mode, place }, { page, problems }) => {
      await page.setViewportSize({ width, height: 900 });
      await page.addInitScript((value) => localStorage.setItem("redoc.colorMode", value), mode);
      await openDocs(page, place);
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

function isInView(id: string): boolean {
  const { top, bottom } = document.getElementById(id)?.getBoundingClientRect() ?? { top: 0, bottom: 0 };
  return bottom > 0 && top < innerHeight;
}
