import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect } from "vitest";
import type { Part } from "../../openapi/contractFile.ts";
import { languages, listSamples } from "../../openapi/docs/samples.ts";
import { contract, operations } from "../../server/contract.ts";
import { largePath } from "../support/largePage.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { insecureHost, it } from "./browser.ts";
import { findPlace, operationIds as ids, openDocs, schemas } from "./docsPage.ts";
import { isShort } from "./views.ts";

const root = new URL("../..", import.meta.url);
const docsFile = pathToFileURL(fileURLToPath(new URL("dist/docs.html", root))).href;

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());

/** Finds an operation in the contract. */
function findOperation(operationId: string): Part {
  return Object.values<Part>(contract.paths)
    .flatMap((path) => Object.values<Part>(path))
    .find((operation) => operation.operationId === operationId);
}

describe("documentation in a browser", () => {
  it("/docs: introduction and operations → all on one page with all fields", async ({ page, problems }) => {
    await openDocs(page, `${server.url}/docs`);
    const sections = [...contract.info.description.matchAll(/^## (.+)$/gm)].map(([, title]) => title);
    expect(await page.locator("#api-content h2").allTextContents()).toEqual([
      ...sections,
      "Changelog",
      ...ids.map((id) => findOperation(id).summary),
      "Schemas",
    ]);
    const text = await page.locator("#api-content").textContent();
    for (const field of Object.keys(contract.components.schemas.Customer.properties))
      expect(text).toContain(field);
    for (const { parameters, headers } of operations)
      for (const { name } of [...parameters, ...headers]) expect(text).toContain(name);
    expect(problems).toEqual([]);
  });

  it("/docs: schemas → all shown", async ({ page, problems }) => {
    await openDocs(page, `${server.url}/docs#/schemas`);
    const shown = await page.locator('[id^="schemas/"] h2').allInnerTexts();
    expect(shown.sort()).toEqual(schemas.toSorted());
    expect(problems).toEqual([]);
  });

  it.for(ids)("/docs: samples of %s, each example → those that tests run", async (id, { page, problems }) => {
    await openDocs(page, `${server.url}/docs#/operations/${id.toLowerCase()}`);
    const panel = findPlace(page, `operations/${id}`).locator(".panel-request-samples");
    const operation = findOperation(id);
    const examples = operation.requestBody?.content["application/json"].examples ?? {};
    for (const { language, example, source } of listSamples(contract, operation)) {
      await panel.getByRole("button", { name: /^(curl|TypeScript|Python|PHP)$/ }).click();
      const { label } = languages[language];
      await page.locator("[role=menuitem]:visible").getByText(label, { exact: true }).click();
      if (example) {
        await panel.getByRole("button", { name: /^Example/ }).click();
        await page.locator("[role=menuitem]:visible").getByText(examples[example].summary).click();
      }
      await expect.poll(() => panel.getByTestId("source-code").textContent()).toBe(source);
    }
    expect(problems).toEqual([]);
  });

  it("/docs: sample → syntax highlighting", async ({ page, problems }) => {
    await openDocs(page, `${server.url}/docs#/operations/createcustomer`);
    const tokens = findPlace(page, "operations/createCustomer").locator(
      ".panel-request-samples [data-color]",
    );
    await tokens.first().waitFor();
    const colors = await tokens.evaluateAll((all) => all.map((token) => getComputedStyle(token).color));
    expect(new Set(colors).size).toBeGreaterThan(2);
    expect(problems).toEqual([]);
  });

  it("/docs: response → complete example, no common headers", async ({ page, problems }) => {
    await openDocs(page, `${server.url}/docs#/operations/getcustomer`);
    const operation = findPlace(page, "operations/getCustomer");
    const shown = await operation
      .locator(".panel-response-samples code, .panel-response-samples pre")
      .allTextContents();
    expect(JSON.parse(shown[0] ?? "")).toEqual(contract.components.examples.customer.value);
    const text = await operation.textContent();
    for (const name of ["X-Content-Type-Options", "RateLimit-Limit"]) expect(text).not.toContain(name);
    expect(problems).toEqual([]);
  });

  it("/docs: Copy in the introduction → copies the commands", async ({ page }) => {
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await openDocs(page, `${server.url}/docs`);
    await page.locator(".example button").first().click();
    await page.getByRole("button", { name: "Copied" }).waitFor();
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    expect(contract.info.description).toContain(`\`\`\`bash\n${copied}\n\`\`\``);
  });

  it("/docs: Copy over HTTP on another host → says to select the code", async ({ page, problems }) => {
    await openDocs(page, `http://${insecureHost}:${new URL(server.url).port}/docs`);
    await page.locator(".example button").first().click();
    await page.getByRole("button", { name: "Select the code and copy it" }).waitFor();
    expect(problems).toEqual([]);
  });

  it("/docs: every link → leads to its target", async ({ page, problems }) => {
    await openDocs(page, `${server.url}/docs#/schemas`);
    const hrefs = await page.locator("a[href]").evaluateAll((all) => all.map((a) => a.getAttribute("href")));
    const links = [...new Set(hrefs as string[])];
    expect(links.filter((link) => !link.startsWith("#")).sort()).toEqual([
      "docs/postman.json",
      "https://distribu.app",
      "https://opensource.org/license/mit",
      "https://redocly.com/redoc/",
      "openapi.json",
      "openapi.yaml",
    ]);
    const inside = links.filter((link) => link.startsWith("#") && link !== "#/");
    expect(inside.length).toBeGreaterThan(30);
    const missed: string[] = [];
    // Each takes half a second.
    for (const link of isShort ? inside.filter((_, index) => index % 4 === 0) : inside) {
      // After a second `#` comes an anchor within the first one.
      const id = decodeURIComponent(link.slice(2).split("#").at(-1) as string);
      await page.evaluate((hash) => void (location.hash = hash), link);
      await page.waitForFunction(isInView, id, { timeout: 5_000 }).catch(() => missed.push(link));
    }
    expect(missed).toEqual([]);
    expect(problems).toEqual([]);
  });

  it("/docs: search → opens the result", async ({ page, problems }) => {
    await openDocs(page, `${server.url}/docs`);
    await page.keyboard.press("Control+k");
    await page.keyboard.type("Idempotency-Key");
    await page.getByText("header parameters").first().waitFor();
    // From the description of a parameter, across a line break in the contract.
    expect(await page.getByTestId("search-dialog").textContent()).toContain("Repeating a request with");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await page.waitForURL(/#\/operations\/createcustomer/);
    expect(problems).toEqual([]);
  });

  it("/docs: foreign script, style or request → blocked by the policy", async ({ page }) => {
    const policy = (await server.fetch("/docs")).headers.get("Content-Security-Policy");
    expect(policy).toMatch(/^default-src 'none'; script-src('sha256-| )/);
    expect(policy).not.toMatch(/unsafe|https?:|\*/);
    await openDocs(page, `${server.url}/docs`);
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
    const files = [`${server.url}/docs`, server.url + largePath];
    const requested: string[] = [];
    await page.route("**", (route) => {
      const url = route.request().url();
      requested.push(url);
      return files.includes(url) ? route.continue() : route.abort();
    });
    await openDocs(page, `${server.url}/docs`);
    await page.context().setOffline(true);
    await page.getByText("Schemas", { exact: true }).first().click();
    await findPlace(page, "schemas/Customer").waitFor();
    expect(requested).toEqual(files);
    expect(problems).toEqual([]);
  });

  it("docs.html: opened as a file → complete", async ({ page, problems }) => {
    await openDocs(page, docsFile);
    await page.getByText("Schemas", { exact: true }).first().click();
    await findPlace(page, "schemas/Customer").waitFor();
    expect(problems).toEqual([`requested ${docsFile}`]);
  });
});

function isInView(id: string): boolean {
  const { top, bottom } = document.getElementById(id)?.getBoundingClientRect() ?? { top: 0, bottom: 0 };
  return bottom > 0 && top < innerHeight;
}
