/** The documentation page in a browser. */
import type { Locator, Page } from "playwright-core";
import { contract, operations } from "../../server/contract.ts";

export const schemas = Object.keys(contract.components.schemas);
export const operationIds = operations.map(({ operationId }) => operationId);

/** Opens the documentation, and waits until it is fully rendered. */
export async function openDocs(page: Page, url: string): Promise<void> {
  await page.goto(url);
  await findPlace(page, `operations/${operationIds.at(-1)}/responses`).waitFor();
  if (url.endsWith("#/schemas")) await findPlace(page, `schemas/${schemas.at(-1)}`).waitFor();
}

/** Finds the element of an anchor. Redoc's anchors are in lower case. */
export function findPlace(page: Page, name: string): Locator {
  return page.locator(`[id="${name.toLowerCase()}"]`).first();
}
