/**
 * Enforces the form of test titles: `<operation or subject>: <condition> → <status or result>`, at most 80 characters,
 * so that each can be read on its own in a list. As a setup file of Vitest, it fails tests with other titles.
 */
import { beforeEach } from "vitest";

/** Words for which HTTP and this project have a standard term. */
const otherTerms = {
  response: /\banswer\w*/i,
  reject: /\brefus\w*/i,
  validate: /\bjudg\w*/i,
  iterate: /\bwalk\w*/i,
  expire: /\blaps\w*/i,
  timeout: /\bpatience\b/i,
  retry: /\btr(y|ies|ied) again\b/i,
  "at startup": /\bat the start\b/i,
  "previous release": /\bversion before\b/i,
  "conforms to the contract": /\bas the contract says\b/i,
};

/** Returns what is wrong with a title, or undefined. */
export function findTitleFault(title: string): string | undefined {
  if (title.length > 80) return `has ${title.length} characters, more than 80`;
  if (!/^[^:]\S*.*: .+ → .+$/s.test(title)) return 'is not of the form "subject: condition → result"';
  const [term] = Object.entries(otherTerms).find(([, word]) => word.test(title)) ?? [];
  return term && `needs another word: "${term}"`;
}

beforeEach(({ task }) => {
  const fault = findTitleFault(task.name);
  if (fault) throw new Error(`The title of this test ${fault} (CONTRIBUTING.md): ${task.name}`);
});
