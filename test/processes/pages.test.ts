/** Everything that the pages name exists (commands, options, files, sections), and a test uses each code block. */
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { type Page, pages, readAllBlocks, readPage } from "../support/pages.ts";
import { runCommand } from "../support/processes.ts";

/** npm's own commands. */
const npmCommands = ["audit", "ci", "install", "pack", "prune", "start", "test"];
const { scripts } = JSON.parse(readFileSync("package.json", "utf8"));

/** The text of all tests, which must contain the marker of each code block. */
const tests = globSync("test/**/*.ts", { exclude: ["**/node_modules/**"] })
  .map((file) => readFileSync(file, "utf8"))
  .join("\n");

/** Returns the text of a page without code blocks. */
function readProse(page: Page): string {
  return readPage(page).replaceAll(/^```.*?^```$/gms, "");
}

/** Converts a heading to an anchor as GitHub does. */
function toAnchor(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
    .replaceAll(" ", "-");
}

function listAnchors(file: string): string[] {
  return [...readFileSync(file, "utf8").matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
    toAnchor(heading as string),
  );
}

/** Finds the `distribu` commands of a page, in code blocks and in the text, each as a list of words. */
function listCommands(page: Page): string[][] {
  const blocks = readAllBlocks(page).map(({ code }) => code.replaceAll("\\\n", " "));
  const spans = [...readProse(page).matchAll(/`([^`\n]+)`/g)].map(([, code]) => code as string);
  return [...blocks, ...spans].flatMap((code) =>
    [
      ...code.matchAll(/(?:^|npx --no |exec \S+ |-- +|`|cli\.js )(?:distribu |(?<=cli\.js ))([a-z].*)$/gm),
    ].map(([, command]) => (command as string).split(/\s+/)),
  );
}

/** The help of each command, by its words. */
const helps = new Map<string, string>();
async function readHelp(...words: string[]): Promise<string> {
  const name = words.join(" ");
  if (!helps.has(name)) helps.set(name, (await runCommand([...words, "--help"])).stdout);
  return helps.get(name) as string;
}

/** Whether a help lists a command. */
function lists(help: string, command: string): boolean {
  return new RegExp(`^ {2}${command}\\b`, "m").test(help.split("Commands:")[1] ?? "");
}

describe.each(pages)("%s", (page) => {
  it(`${page}: npm scripts named → exist`, () => {
    const named = [...readPage(page).matchAll(/(?:`|^ *|&& )npm (?:run )?(?:--silent )?([a-z:]+)/gm)];
    const unknown = named.filter(([, name = ""]) => !npmCommands.includes(name) && !scripts[name]);
    expect(unknown.map(([, name]) => name)).toEqual([]);
  });

  it(`${page}: distribu commands and options named → exist`, async () => {
    for (const words of listCommands(page)) {
      const [command = "", sub = ""] = words;
      if (command === "help") continue;
      expect(lists(await readHelp(), command), words.join(" ")).toBe(true);
      const group = await readHelp(command);
      const help = lists(group, sub) ? await readHelp(command, sub) : group;
      for (const option of words.filter((word) => word.startsWith("--")))
        expect(help, words.join(" ")).toContain(option.replace(/=.*/, ""));
    }
  });

  it(`${page}: files, sections and links named → exist`, () => {
    const text = readProse(page);
    const missing: string[] = [];
    for (const [, file = "", anchor] of text.matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)/g)) {
      const path = file === "" ? page : join(dirname(page), file);
      if (!existsSync(path)) missing.push(path);
      else if (anchor !== undefined && !listAnchors(path).includes(anchor)) missing.push(`${path}#${anchor}`);
    }
    for (const [, file = ""] of text.matchAll(/`((?:server|test|openapi|client)\/[\w/]+\.\w+)`/g))
      if (!existsSync(file)) missing.push(file);
    expect(missing).toEqual([]);
  });

  it(`${page}: code blocks with a marker → run by a test`, () => {
    for (const { language, marker } of readAllBlocks(page)) {
      // Only commands may lack a marker: those of programs that a test cannot run, such as Docker.
      if (language === "bash" && marker === undefined) continue;
      expect(tests).toMatch(new RegExp(`readBlocks?\\((page|"${page}"), "${language}", "${marker}"\\)`));
    }
  });

  it(`${page}: tables in the text → at most seven rows`, () => {
    const [text = ""] = readPage(page).split(/^## (?:Reference|All figures)$/m);
    const rows = [...text.matchAll(/(?:^\|.*\n)+/gm)].map(([table]) => table.split("\n").length - 3);
    expect(Math.max(0, ...rows)).toBeLessThanOrEqual(7);
  });
});
