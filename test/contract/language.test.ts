/** Checks everything that people read for avoided words. */
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

/** Files that contain the words because they are about them. */
const aboutWords = [
  "test/support/avoidedWords.ts",
  "test/contract/titles.test.ts",
  "test/contract/language.test.ts",
];

/** Comments, names, titles and printed text of the tests. */
const tests = globSync("test/**/*.{ts,js,mjs}", { exclude: ["**/node_modules/**", ...aboutWords] });

it.each([...pages, ...sources, ...tests])("%s: avoided words → none", (file) => {
  expect(findAvoidedWords(readFileSync(file, "utf8"))).toEqual([]);
});
