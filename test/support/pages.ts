/** The project's pages in Markdown, and their code blocks, which tests find by a marker after the language. */
import { readFileSync } from "node:fs";

export const pages = [
  "README.md",
  "server/README.md",
  "client/README.md",
  "openapi/README.md",
  "test/README.md",
  "CONTRIBUTING.md",
  "SECURITY.md",
] as const;
export type Page = (typeof pages)[number];

/** A code block; it begins with ```` ```bash keys ````, where `keys` is the marker. */
export interface Block {
  language: string;
  /** The marker by which a test finds it; undefined for commands that no test can run, such as those of Docker. */
  marker: string | undefined;
  code: string;
}

export function readPage(page: Page): string {
  return readFileSync(page, "utf8");
}

export function readAllBlocks(page: Page): Block[] {
  return [...readPage(page).matchAll(/^```(\w+)(?: (\S+))?\n(.*?)^```$/gms)].map(
    ([, language, marker, code]) => ({ language: language as string, marker, code: code as string }),
  );
}

/**
 * Returns the blocks of a page with a marker, in order.
 * @throws {Error} if there is none
 */
export function readBlocks(page: Page, language: string, marker: string): string[] {
  const found = readAllBlocks(page).filter((block) => block.language === language && block.marker === marker);
  if (found.length === 0)
    throw new Error(`${page} has no block that begins with \`\`\`${language} ${marker}`);
  return found.map(({ code }) => code);
}

/** Returns the only block of a page with a marker. */
export function readBlock(page: Page, language: string, marker: string): string {
  const [code = "", ...others] = readBlocks(page, language, marker);
  if (others.length > 0)
    throw new Error(`${page} has several blocks that begin with \`\`\`${language} ${marker}`);
  return code;
}

/** Lists the packages that the npm and npx commands in a text would download by name, if they are missing. */
export function listDownloadedPackages(text: string): string[] {
  return [...text.matchAll(/\b(npm (?:install|i|exec)|npx)((?: [^\s`|&;]+)+)/g)].flatMap(
    ([, command, words = ""]) => {
      const all = words.trim().split(" ");
      if (all.includes("--no") || all.includes("--offline")) return [];
      const packages = all.flatMap((word) => /^(?:--package=|-p=?)(.+)/.exec(word)?.[1] ?? []);
      const named = all.filter((word) => !word.startsWith("-"));
      const others = command === "npm install" || command === "npm i" ? named : named.slice(0, 1);
      return (packages.length > 0 ? packages : others).filter((name) => !/^[./~]/.test(name));
    },
  );
}
