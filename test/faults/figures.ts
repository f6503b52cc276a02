/** The figures that the fault tests measured, printed as one table after all tests. */
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inject } from "vitest";
import type { TestProject } from "vitest/node";

declare module "vitest" {
  interface ProvidedContext {
    figuresFile: string;
  }
}

/** A row of the table: the fault, the engine, what was measured, its value, and the promised bound. */
type Figure = [test: string, engine: string, what: string, measured: string, promised: string];

/** Creates the file to which the tests write their figures. Returns a function that prints them. */
export default function setup(project: TestProject): () => void {
  const folder = mkdtempSync(join(tmpdir(), "distribu-figures-"));
  const file = join(folder, "figures.jsonl");
  writeFileSync(file, "");
  project.provide("figuresFile", file);
  return () => {
    const figures = readFileSync(file, "utf8")
      .trimEnd()
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Figure);
    rmSync(folder, { recursive: true });
    if (figures.length > 0) console.log(`\n${formatTable(figures)}\n`);
  };
}

/**
 * Adds a line to the table of the run.
 * @param test the fault; groups its lines
 * @param promised the bound that the test has asserted, if there is one
 */
export function addFigure(test: string, what: string, measured: number | string, promised = ""): void {
  const engine = process.env.TEST_ENGINE === "postgres" ? "PostgreSQL" : "SQLite";
  const figure: Figure = [test, engine, what, String(measured), promised];
  appendFileSync(inject("figuresFile"), `${JSON.stringify(figure)}\n`);
}

/** Formats the maximum and the median of some times for the table. */
export function formatTimes(milliseconds: number[]): string {
  const sorted = milliseconds.toSorted((a, b) => a - b).map(Math.round);
  return `${sorted.at(-1)} ms, median ${sorted[Math.floor(sorted.length / 2)]} ms`;
}

function formatTable(figures: Figure[]): string {
  const rows = [["Fault", "Engine", "Figure", "Measured", "Promised"], ...figures];
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  const lines = rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | "));
  lines.splice(1, 0, widths.map((width) => "-".repeat(width)).join(" | "));
  return lines.map((line) => `| ${line} |`).join("\n");
}
