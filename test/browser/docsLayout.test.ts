/** How the documentation looks in a browser: brand, layout and colors, measured on the rendered page. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { AxeResults } from "axe-core";
import type { Locator } from "playwright-core";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { startServer, type TestServer } from "../support/server.ts";
import { it } from "./browser.ts";
import { findPlace, openDocs } from "./docsPage.ts";
import { listViews } from "./views.ts";

const axeSource = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());

/** The box of an element, in pixels of the window. */
async function measure(
  element: Locator,
): Promise<{ left: number; right: number; top: number; height: number }> {
  await element.waitFor();
  return element.evaluate((found) => {
    const { left, right, top, height } = found.getBoundingClientRect();
    return { left, right, top, height };
  });
}

describe("layout of the documentation", () => {
  it("/docs: brand → logo, icon, one accent color", async ({ page, problems }) => {
    await openDocs(page, `${server.url}/docs`);
    const logo = page.getByTestId("logo").locator("img").first();
    expect(await logo.getAttribute("alt")).toBe("Distribu");
    const widths = await page.evaluate(async () => {
      const icon = new Image();
      icon.src = document.querySelector<HTMLLinkElement>("link[rel=icon]")?.href ?? "";
      await icon.decode();
      const shown = document.querySelector<HTMLImageElement>("[data-testid=logo] img");
      return [icon.naturalWidth, shown?.naturalWidth ?? 0];
    });
    for (const width of widths) expect(width).toBeGreaterThan(0);
    const links = page.locator("#api-content p a");
    const colors = await links.evaluateAll((all) => all.map((link) => getComputedStyle(link).color));
    expect(new Set(colors)).toEqual(new Set(["rgb(11, 110, 99)"]));
    expect(problems).toEqual([]);
  });

  it("/docs: 1440 px → cards below the title, code beside the text", async ({ page }) => {
    await page.setViewportSize({ width: 1440, height: 900 });
    await openDocs(page, `${server.url}/docs`);
    const title = await measure(page.locator("#api-content h1"));
    const cards = await measure(
      page.locator('[data-testid="middle-panel"]:has(> [data-section-id="/"]) + [data-testid="right-panel"]'),
    );
    expect(Math.abs(cards.left - title.left)).toBeLessThanOrEqual(1);
    expect(cards.top).toBeGreaterThan(title.top);
    expect(cards.right).toBeGreaterThan(1440 * 0.7);
    const start = page
      .locator('[data-section-id^="/section/"]')
      .filter({ has: page.locator(".example") })
      .first();
    const text = await measure(start.locator("p").first());
    const code = await measure(start.locator(".example").first());
    expect(code.left).toBeGreaterThan(text.right);
    expect(Math.abs(code.top - text.top)).toBeLessThan(30);
    expect(code.right).toBeGreaterThan(1440 * 0.9);
  });

  it("/docs: table of error messages → at 1440 px less than two screens", async ({ page }) => {
    await page.setViewportSize({ width: 1440, height: 900 });
    await openDocs(page, `${server.url}/docs`);
    const table = page.locator("table").filter({ hasText: "Remedy and cause" });
    expect((await measure(table)).height).toBeLessThan(1_800);
  });

  it.for([1440, 390])("/docs: %i px, code → no button covers its text", async (width, { page }) => {
    await page.setViewportSize({ width, height: 900 });
    await openDocs(page, `${server.url}/docs`);
    await findPlace(page, "operations/createCustomer").locator("[data-color]").first().waitFor();
    const { count, covered } = await page.evaluate(() => {
      // Not the items of closed menus, and not the controls within JSON that collapse it.
      const buttons = [
        ...document.querySelectorAll("#api-content button:not([role=menuitem], [aria-label=collapse])"),
      ]
        .filter((button) => button.checkVisibility({ visibilityProperty: true }))
        .map((button) => ({ button, box: button.getBoundingClientRect() }));
      const covered: string[] = [];
      const codes = document.querySelectorAll('.example code, [data-testid="source-code"]');
      for (const code of codes) {
        const texts = document.createTreeWalker(code, NodeFilter.SHOW_TEXT);
        while (texts.nextNode()) {
          const range = document.createRange();
          range.selectNodeContents(texts.currentNode);
          for (const { left, right, top, bottom } of range.getClientRects()) {
            const covering = buttons.find(
              ({ button, box }) =>
                !button.contains(texts.currentNode) &&
                Math.min(box.right, right) - Math.max(box.left, left) > 0 &&
                Math.min(box.bottom, bottom) - Math.max(box.top, top) > 0,
            );
            if (covering) covered.push(`${covering.button.outerHTML}: ${texts.currentNode.textContent}`);
          }
        }
      }
      return { count: codes.length, covered };
    });
    expect(count).toBeGreaterThan(10);
    expect(covered).toEqual([]);
  });

  it("/docs: code of the introduction → colors, a response after each request", async ({ page }) => {
    await openDocs(page, `${server.url}/docs`);
    for (const language of ["bash", "json"]) {
      const tokens = page.locator(`.example pre.${language} span`);
      const colors = await tokens.evaluateAll((all) => all.map((token) => getComputedStyle(token).color));
      expect(new Set(colors).size).toBeGreaterThan(2);
    }
    const pairs = page.locator(".example").filter({ has: page.locator("pre.bash + pre.json") });
    expect(await pairs.count()).toBe(3);
  });

  const views = listViews(1280, 390).flatMap((view) =>
    ["#/", "#/schemas"].map((place) => ({ ...view, place })),
  );
  it.for(views)(
    "/docs: $width px, $mode, $place → accessible, no horizontal overflow",
    async ({ width, mode, place }, { page, problems }) => {
      await page.setViewportSize({ width, height: 900 });
      await page.addInitScript((value) => localStorage.setItem("redoc.colorMode", value), mode);
      await openDocs(page, `${server.url}/docs${place}`);
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
