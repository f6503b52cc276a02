/**
 * `npm run docs:screenshots`: takes the README's picture, openapi/docs.png, of an operation in light mode. With a folder
 * as its argument, it takes the introduction and an operation at 1440 and 390 px, light and dark, into that folder.
 */
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { chromium as playwright } from "playwright-core";
import { chromium as executablePath } from "./chromium.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const page = pathToFileURL(join(root, "dist/docs.html")).href;
const places = { introduction: "#/", operation: "#/operations/createcustomer" };
const [folder] = process.argv.slice(2);
const browser = await playwright.launch({ executablePath, args: ["--headless", "--no-sandbox"] });

if (folder) {
  for (const [name, place] of Object.entries(places))
    for (const width of [1440, 390])
      for (const mode of ["light", "dark"] as const)
        await take(place, { width, height: 900 }, mode, join(folder, `${name}-${width}-${mode}.png`));
} else await take(places.operation, { width: 1280, height: 760 }, "light", join(root, "openapi/docs.png"));
await browser.close();

async function take(
  place: string,
  viewport: { width: number; height: number },
  mode: "light" | "dark",
  path: string,
): Promise<void> {
  const context = await browser.newContext({ viewport, colorScheme: mode });
  const tab = await context.newPage();
  await tab.addInitScript((value) => localStorage.setItem("redoc.colorMode", value), mode);
  await tab.goto(page + place);
  await tab.locator('[id="operations/updatecustomer/responses"]').first().waitFor();
  await tab.evaluate((hash) => void (location.hash = hash), place);
  await tab.locator("[data-color]").first().waitFor({ state: "attached" });
  await tab
    .getByText("Ctrl+K")
    .first()
    .waitFor({ state: viewport.width > 1_000 ? "visible" : "attached" });
  await tab.screenshot({ path });
  await context.close();
  console.log(path);
}
