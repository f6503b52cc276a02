/**
 * Enforces the form of test titles: `<operation or subject>: <condition> → <status or result>`, at most 80 characters,
 * so that each can be read on its own in a list. As a setup file of Vitest, it fails tests with other titles.
 */
import { beforeEach } from "vitest";
import { findAvoidedWords } from "./avoidedWords.ts";

/** Returns what is wrong with a title, or undefined. */
export function findTitleFault(title: string): string | undefined {
  if (title.length > 80) return `has ${title.length} characters, more than 80`;
  if (!/^[^:]\S*.*: .+ → .+$/s.test(title)) return 'is not of the form "subject: condition → result"';
  const [word] = findAvoidedWords(title);
  return word && `needs another word: ${word}`;
}

beforeEach(({ task }) => {
  const fault = findTitleFault(task.name);
  if (fault) throw new Error(`The title of this test ${fault} (CONTRIBUTING.md): ${task.name}`);
});
