/** The words of what people read: none for which HTTP, or the field, has another. */
import { globSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";

/** Words that are not to be used, and what to say instead. */
const avoided: [word: RegExp, instead: string][] = [
  [/\banswer(s|ed|ing|able)?\b/i, "response, respond"],
  [/\bera\b/i, "time bucket"],
  [/(?<!n-)\bgrams?\b/i, "n-gram, trigram"],
  [/\blaps(e|es|ed|ing)\b/i, "expire"],
  [/\bpatience\b/i, "timeout"],
  [/\brefus\w*\b/i, "reject"],
  [/\bwho(so)?ever\b/i, "the noun itself"],
];

/** Pages for readers. */
const pages = globSync(["*.md", "*/README.md", "test/partners/README.md"], { exclude: ["node_modules/**"] });

it.each(pages)("%s: words → those of the field", (page) => {
  expect(findAvoided(readFileSync(page, "utf8"))).toEqual([]);
});

/** Help, error messages, log messages and comments of the server, the client and the tools. */
const sources = globSync([
  "server/*.ts",
  "server/{commands,database}/**/*.ts",
  "client/*.ts",
  "openapi/*.ts",
]);

it.each(sources)("%s: words → those of the field", (source) => {
  expect(findAvoided(readFileSync(source, "utf8"))).toEqual([]);
});

/** One line for each avoided word of a text. */
function findAvoided(text: string): string[] {
  return text.split("\n").flatMap((line, index) => {
    return avoided.flatMap(([word, instead]) => {
      const [found] = word.exec(line) ?? [];
      return found === undefined ? [] : [`line ${index + 1}: "${found}": ${instead}`];
    });
  });
}
