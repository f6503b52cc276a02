/** Lighthouse's scores of the documentation and of the sandbox's page, as `--preset=desktop` gives them. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { chromium } from "../browser/chromium.ts";
import { addFigure, percentile } from "../support/figures.ts";
import { spawnServer } from "../support/processes.ts";

const program = fileURLToPath(new URL("node_modules/lighthouse/cli/index.js", import.meta.url));
const categories = ["accessibility", "best-practices", "performance"] as const;

/** What is used of a report. */
interface Report {
  /** Scores are from 0 to 1. */
  categories: Record<(typeof categories)[number], { score: number; auditRefs: { id: string }[] }>;
  audits: Record<string, { title: string; score: number | null; details?: unknown }>;
  runtimeError?: { message: string };
}

async function runLighthouse(url: string): Promise<Report> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [
      program,
      url,
      "--preset=desktop",
      `--only-categories=${categories.join()}`,
      "--chrome-flags=--headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage",
      "--output=json",
      "--quiet",
      "--no-enable-error-reporting",
    ],
    { env: { ...process.env, CHROME_PATH: chromium }, maxBuffer: 64 << 20 },
  );
  return JSON.parse(stdout);
}

/** The audits without the full score, for the message of a failed test. */
function findFaults({ categories, audits }: Report): string[] {
  return [categories.accessibility, categories["best-practices"]]
    .flatMap(({ auditRefs }) => auditRefs.map(({ id }) => audits[id]))
    .filter((audit) => audit?.score !== null && audit?.score !== undefined && audit.score < 1)
    .map((audit) => `${audit?.title}: ${JSON.stringify(audit?.details)}`);
}

it.each([
  ["documentation", "/docs"],
  ["sandbox page", "/"],
])("%s: Lighthouse → accessibility, best practices of 95 or more", async (name, path) => {
  const sandbox = await spawnServer({}, "dist/server/sandbox/main.js");
  const reports: Report[] = [];
  for (let run = 0; run < Number(process.env.LIGHTHOUSE_RUNS); run++)
    reports.push(await runLighthouse(sandbox.url + path));
  expect(reports.map(({ runtimeError }) => runtimeError?.message)).toEqual(reports.map(() => undefined));

  for (const category of categories) {
    const scores = reports.map((report) => Math.round(report.categories[category].score * 100));
    const bound = category === "performance" ? undefined : 95;
    addFigure(
      `Lighthouse of the ${name}`,
      category,
      percentile(scores, 0.5),
      bound ? `${bound} or more` : "",
    );
    if (bound)
      expect(percentile(scores, 0.5), findFaults(reports[0] as Report).join("\n")).toBeGreaterThanOrEqual(
        bound,
      );
  }
});
