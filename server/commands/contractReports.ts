/** The reports of `distribu contract`: text, JSON and JUnit XML. */
import { contract } from "../contract.ts";
import { formatTable } from "./table.ts";

/** The result for one response of the contract. */
export interface Result {
  /** For example `createCustomer 409 A customer with this email already exists.` */
  name: string;
  outcome: "conforms" | "differs" | "skipped";
  /**
   * Time of the response (of the last one, if there are several), in milliseconds from sending the request to the end
   * of the body.
   */
  milliseconds: number;
  /** How the response differs from the contract, or why it was skipped; empty if it conforms. */
  report: string;
}

/** A finished run. */
export interface Run {
  url: string;
  startedAt: Date;
  isReadOnly: boolean;
  results: Result[];
  /** Why the run stopped early; absent if every response arrived. */
  error?: string;
}

const title = `${contract.info.title} ${contract.info.version}`;

/** Formats the lines about one response. */
export function formatResult({ name, outcome, milliseconds, report }: Result): string {
  const time = outcome === "skipped" ? "" : `${Math.round(milliseconds)} ms`;
  const line = `${outcome.padEnd(8)}  ${time.padStart(7)}  ${name}`;
  return report === "" ? line : `${line}\n${report.replaceAll(/^/gm, " ".repeat(19))}`;
}

/** Formats a table with a line for each operation, and the total. */
export function formatSummary(run: Run): string {
  const { responses, conforming, differing, skipped } = count(run.results);
  const rows = summarize(run).map((operation) => [
    operation.operation,
    ...[operation.responses, operation.conforming, operation.differing, operation.skipped].map(String),
    formatTime(operation.medianMilliseconds),
    formatTime(operation.maxMilliseconds),
  ]);
  const header = ["OPERATION", "RESPONSES", "CONFORM", "DIFFER", "SKIPPED", "MEDIAN", "SLOWEST"];
  const remark = skipped > 0 ? `; ${skipped} skipped` : "";
  return `${formatTable([header, ...rows])}

${conforming} of ${responses} responses conform to the contract; ${differing} differ${remark}.`;
}

function formatTime(milliseconds: number | null): string {
  return milliseconds === null ? "-" : `${Math.round(milliseconds)} ms`;
}

/** Formats the run as one JSON document. */
export function formatJson(run: Run): string {
  const { url, startedAt, isReadOnly, results, error } = run;
  const document = {
    contract: { title: contract.info.title, version: contract.info.version },
    url,
    startedAt: startedAt.toISOString(),
    readOnly: isReadOnly,
    summary: { ...count(results), operations: summarize(run) },
    responses: results.map(({ milliseconds, ...result }) => ({
      ...result,
      milliseconds: result.outcome === "skipped" ? null : round(milliseconds),
    })),
    ...(error !== undefined && { error }),
  };
  return JSON.stringify(document, null, 2);
}

/** Formats the run as JUnit XML: a test case for each response, and an error if the API stopped responding. */
export function formatJunit({ url, startedAt, results, error }: Run): string {
  const cases = results.map(({ name, outcome, milliseconds, report }) => {
    const start = `<testcase classname="${parseOperation(name)}" name="${escapeXml(name)}" time="${formatSeconds(milliseconds)}"`;
    if (outcome === "conforms") return `${start}/>`;
    const detail =
      outcome === "skipped"
        ? `<skipped message="${escapeXml(report)}"/>`
        : `<failure message="differs from the contract">${escapeXml(report)}</failure>`;
    return `${start}>${detail}</testcase>`;
  });
  if (error !== undefined)
    cases.push(
      `<testcase classname="any" name="a response" time="0.000"><error message="${escapeXml(error)}"/></testcase>`,
    );
  const { differing, skipped } = count(results);
  const time = formatSeconds(results.reduce((sum, { milliseconds }) => sum + milliseconds, 0));
  const errors = cases.length - results.length;
  const counts = `tests="${cases.length}" failures="${differing}" errors="${errors}" skipped="${skipped}" time="${time}"`;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites ${counts}>`,
    `<testsuite name="${escapeXml(`${title} at ${url}`)}" timestamp="${startedAt.toISOString()}" ${counts}>`,
    ...cases,
    "</testsuite>",
    "</testsuites>",
    "",
  ].join("\n");
}

function count(results: Result[]) {
  const number = (outcome: Result["outcome"]) =>
    results.filter((result) => result.outcome === outcome).length;
  return {
    responses: results.length,
    conforming: number("conforms"),
    differing: number("differs"),
    skipped: number("skipped"),
  };
}

/** Summarizes the results of each operation, in the order of the contract. */
function summarize({ results }: Run) {
  const operations = new Set(results.map(({ name }) => parseOperation(name)));
  return [...operations].map((operation) => {
    const own = results.filter(({ name }) => parseOperation(name) === operation);
    const times = own
      .filter(({ outcome }) => outcome !== "skipped")
      .map(({ milliseconds }) => round(milliseconds))
      .sort((one, other) => one - other);
    return {
      operation,
      ...count(own),
      medianMilliseconds: times[Math.floor(times.length / 2)] ?? null,
      maxMilliseconds: times.at(-1) ?? null,
    };
  });
}

function parseOperation(name: string): string {
  return name.slice(0, name.indexOf(" "));
}

function round(milliseconds: number): number {
  return Math.round(milliseconds * 10) / 10;
}

function formatSeconds(milliseconds: number): string {
  return (milliseconds / 1_000).toFixed(3);
}

/** Escapes text for an element or attribute of XML 1.0, which allows only a few control characters. */
function escapeXml(text: string): string {
  const entities: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
  return text
    .replace(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, "\uFFFD")
    .replace(/[&<>"]/g, (character) => entities[character] as string);
}
