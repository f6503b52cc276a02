import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { findTitleFault } from "../support/titles.ts";

it.each([
  ["getCustomer: unknown ID → 404", undefined],
  ["/docs: GET → 200", undefined],
  [`getCustomer: ${"x".repeat(70)} → 404`, "characters"],
  ["getCustomer with an unknown ID → 404", "form"],
  ["getCustomer: responds 404", "form"],
  ["getCustomer: is refused → 404", "reject"],
  ["getCustomer: answers an unknown ID → 404", "response"],
])("title of a test: example %$ → conforms or not", (title, fault) => {
  expect(findTitleFault(title)).toEqual(fault && expect.stringContaining(fault));
});

it("titles of type tests: the same rules → conform", () => {
  // They are compiled but never run, so the setup file does not check them.
  const text = readFileSync("test/contract/types.test-d.ts", "utf8");
  const titles = [...text.matchAll(/\bit\(\s*"([^"]+)"/g)].map(([, title]) => title as string);
  expect(titles.length).toBeGreaterThan(10);
  expect(titles.filter(findTitleFault)).toEqual([]);
});
