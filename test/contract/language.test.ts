/** Checks the words of everything that people read. */
import { globSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { findAvoidedWords } from "../support/avoidedWords.ts";

/** Pages for readers. */
const pages = globSync(["*.md", "*/README.md", "test/partners/README.md"], { exclude: ["node_modules/**"] });

/** The contract and its samples; and help, messages, comments and names of the server, the client and the tools. */
const sources = globSync([
  "server/*.ts",
  "openapi/openapi.yaml",
  "server/{commands,database,deploy,sandbox}/**/*.{ts,css,js,sh,sql,yaml,conf}",
  "client/*.ts",
  "openapi/**/*.ts",
  "openapi/samples/*",
]);

/** Files that name the words in order to reject them. */
const aboutWords = [
  "test/support/avoidedWords.ts",
  "test/contract/titles.test.ts",
  "test/contract/language.test.ts",
];

/** Comments, names, titles and printed text of the tests. */
const tests = globSync("test/**/*.{ts,js,mjs}", { exclude: ["**/node_modules/**", ...aboutWords] });

it.each([...pages, ...sources, ...tests])("%s: words → those of the field", (file) => {
  expect(findAvoidedWords(readFileSync(file, "utf8"))).toEqual([]);
});
