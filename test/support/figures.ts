/** Collects the figures that tests measure, and prints them as one table after the run. */
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

/** A row of the table: the test, where it ran, what was measured, its value, and the promised bound. */
type Figure = [test: string, engine: string, what: string, measured: string, promised: string];

/** Creates the file to which the tests write their figures. Returns a function that prints them. */
export default function setup(project: TestProject): () => void {
  const folder = mkdtempSync(join(tmpdir(), "distribu-figures-"));
  const file = join(folder, "figures.jsonl");
  writeFileSync(file, "");
  project.provide("figuresFile", file);
  return () => {
    const lines = readFileSync(file, "utf8").trimEnd().split("\n").filter(Boolean);
    rmSync(folder, { recursive: true });
    if (lines.length > 0) console.log(`\n${formatTable(lines.map((line) => JSON.parse(line) as Figure))}\n`);
  };
}

/**
 * Adds a line to the table of the run.
 * @param test groups the lines of the table
 * @param promised the bound that the test asserts, if any
 */
export function addFigure(test: string, what: string, measured: number | string, promised = ""): void {
  const engine = process.env.TEST_ENGINE === "postgres" ? "PostgreSQL" : "SQLite";
  const figure: Figure = [test, engine, what, String(measured), promised];
  appendFileSync(inject("figuresFile"), `${JSON.stringify(figure)}\n`);
}

/** Formats the maximum and the median of some times, in milliseconds. */
export function formatTimes(milliseconds: number[]): string {
  const sorted = milliseconds.toSorted((a, b) => a - b).map(Math.round);
  return `${sorted.at(-1)} ms, median ${sorted[Math.floor(sorted.length / 2)]} ms`;
}

/** Returns the value below which this share of the values lies. */
export function percentile(values: number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] as number;
}

function formatTable(figures: Figure[]): string {
  const rows = [["Test", "Engine", "Figure", "Measured", "Promised"], ...figures];
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  const lines = rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | "));
  lines.splice(1, 0, widths.map((width) => "-".repeat(width)).join(" | "));
  return lines.map((line) => `| ${line} |`).join("\n");
}
