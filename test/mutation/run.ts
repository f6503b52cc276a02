/**
 * `npm run test:mutation -- server/entityTags.ts`: mutates the given files, or all files of files.ts, one
 * change at a time, and lists the mutants that survive the tests.
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { testsByFile } from "./files.ts";

/** The part of Stryker's report that is read (mutation-testing-report-schema). */
interface Report {
  files: Record<string, { source: string; mutants: Mutant[] }>;
}

interface Mutant {
  status: string;
  mutatorName: string;
  replacement?: string;
  location: Record<"start" | "end", { line: number; column: number }>;
}

const given = process.argv.slice(2);
const unknown = given.find((file) => !Object.hasOwn(testsByFile, file));
if (unknown !== undefined) throw new Error(`${unknown} is not in test/mutation/files.ts`);

const scores: string[] = [];
for (const file of given.length > 0 ? given : Object.keys(testsByFile)) {
  const { status } = spawnSync(
    process.execPath,
    [
      "test/mutation/node_modules/@stryker-mutator/core/bin/stryker.js",
      "run",
      "test/mutation/stryker.config.mjs",
    ],
    { stdio: "inherit", env: { ...process.env, MUTATED_FILE: file } },
  );
  if (status !== 0) process.exit(status ?? 1);
  const report: Report = JSON.parse(
    readFileSync(`test/mutation/reports/${file.replaceAll("/", "-")}.json`, "utf8"),
  );
  const { source, mutants } = report.files[file] as Report["files"][string];
  const survived = mutants.filter(({ status }) => status === "Survived" || status === "NoCoverage");
  const killed = mutants.filter(({ status }) => status === "Killed" || status === "Timeout");
  for (const mutant of survived) console.log(describeMutant(file, source, mutant));
  const total = killed.length + survived.length;
  scores.push(`${file}: ${killed.length} of ${total}, ${Math.round((100 * killed.length) / total)} %`);
}
console.log(`\n${scores.join("\n")}`);

/** Describes a mutant in one line: its location, what it replaces, and the replacement. */
function describeMutant(file: string, source: string, { location, replacement }: Mutant): string {
  const { start, end } = location;
  const lines = source.split("\n").slice(start.line - 1, end.line);
  lines.push((lines.pop() ?? "").slice(0, end.column - 1));
  const replaced = lines.join("\n").slice(start.column - 1);
  const shorten = (text: string) => text.replace(/\s+/g, " ").slice(0, 100);
  return `${file}:${start.line}: ${shorten(replaced)} → ${shorten(replacement ?? "")}`;
}
