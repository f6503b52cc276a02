/** Checks the words of everything that people read. */
import { globSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { findAvoidedWords } from "../support/avoidedWords.ts";

/** Pages for readers. */
const pages = globSync(["*.md", "*/README.md", "test/partners/README.md"], { exclude: ["node_modules/**"] });

it.each(pages)("%s: words → those of the field", (page) => {
  expect(findAvoidedWords(readFileSync(page, "utf8"))).toEqual([]);
});

/** The contract; and help, error messages, log messages and comments of the server, the client and the tools. */
const sources = globSync([
  "server/*.ts",
  "openapi/openapi.yaml",
  "server/{commands,database,sandbox}/**/*.ts",
  "client/*.ts",
  "openapi/*.ts",
]);

it.each(sources)("%s: words → those of the field", (source) => {
  expect(findAvoidedWords(readFileSync(source, "utf8"))).toEqual([]);
});
