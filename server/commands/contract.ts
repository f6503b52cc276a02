#!/usr/bin/env node
/** `distribu-contract`: asks an API for every answer that a key can provoke, and compares it with the contract. */
import "../requireNode.ts";
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { basePath, contract } from "../contract.ts";
import { confirmed, createApi, outsideAnswers } from "./contractResponses.ts";

const usage = "distribu-contract --url <https://...> --key <dk_...> [--junit <file>]";
const help = `Usage: ${usage}

Compares the answers of a running API with the contract. Creates customers there, which the API
cannot delete again, in the company of the key.

  --url    where the API is, with or without ${basePath}
  --key    an API key with both scopes, of a company that is meant for tests
  --junit  a file to write the report to as JUnit XML too, for CI

Exit code 0: every answer is as the contract says; 1: one differs, or none came; 2: wrong arguments.`;

/** What came of one answer of the contract. */
interface Result {
  /** As in `createCustomer 409 A customer with this email already exists.` */
  name: string;
  /** What the contract says and what came; empty where nothing differs. */
  report: string;
}

/** Wrong arguments: one line, and exit code 2. */
class UsageError extends Error {}

/** No answer came. */
class UnreachableError extends Error {}

try {
  const { url, key, junit, isHelp } = readArguments();
  if (isHelp) console.log(help);
  else process.exitCode = (await compare(url, key, junit)) ? 0 : 1;
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(`${error.message}. Usage: ${usage}`);
  process.exitCode = 2;
}

function readArguments() {
  let values: { url?: string; key?: string; junit?: string; help?: boolean };
  try {
    ({ values } = parseArgs({
      options: {
        url: { type: "string" },
        key: { type: "string" },
        junit: { type: "string" },
        help: { type: "boolean" },
      },
    }));
  } catch (error) {
    // Node's messages go on to explain themselves.
    throw new UsageError(String((error as Error).message).split(/[.\n]/)[0]);
  }
  const { url = "", key = "", junit, help: isHelp = false } = values;
  if (isHelp) return { url, key, junit, isHelp };
  if (!/^https?:\/\/[^/]/.test(url) || !URL.canParse(url))
    throw new UsageError("--url must be an http address");
  if (!/^[!-~]+$/.test(key)) throw new UsageError("--key must be an API key");
  if (junit !== undefined) write(junit, "");
  return { url: url.replace(/\/+$/, "").replace(new RegExp(`${basePath}$`), ""), key, junit, isHelp };
}

/** Prints a line for each answer, and what differs; returns whether every answer came and none does. */
async function compare(url: string, key: string, junit: string | undefined): Promise<boolean> {
  console.log(`Compares ${url} with ${contract.info.title} ${contract.info.version}.`);
  console.log("This creates customers there, as contract-...@contract.example; they are not deleted.\n");
  // A proxy adds headers of its own.
  const api = createApi({ url, key, strictHeaders: false });
  const results: Result[] = [];
  let unreachable: string | undefined;
  try {
    for (const [name, provoke] of Object.entries(outsideAnswers)) {
      const report = await differenceOf(async () => confirmed(name, await provoke(api)));
      results.push({ name, report });
      console.log(
        report === "" ? `same     ${name}` : `differs  ${name}\n${report.replaceAll(/^/gm, "         ")}`,
      );
    }
  } catch (error) {
    if (!(error instanceof UnreachableError)) throw error;
    unreachable = `No answer came: ${error.message}`;
    console.error(unreachable);
  }
  if (junit !== undefined) write(junit, junitOf(url, results, unreachable));
  if (unreachable !== undefined) return false;
  const differing = results.filter(({ report }) => report !== "").length;
  console.log(
    `\n${results.length - differing} of ${results.length} answers are as the contract says; ${differing} differ.`,
  );
  return differing === 0;
}

/** The report of how an answer differs; empty where it does not. */
async function differenceOf(provoke: () => Promise<unknown>): Promise<string> {
  try {
    await provoke();
    return "";
  } catch (error) {
    const { name, message, cause } = error as Error & { cause?: NodeJS.ErrnoException };
    if (name === "TimeoutError") throw new UnreachableError(message);
    // What fetch throws where there is no answer.
    if (message === "fetch failed") throw new UnreachableError(cause?.code ?? String(cause));
    return message;
  }
}

/** The report as JUnit XML: a case for each answer, and an error where the API ceased to answer. */
function junitOf(url: string, results: Result[], unreachable: string | undefined): string {
  const cases = results.map(({ name, report }) => {
    const [operation] = name.split(" ");
    const start = `<testcase classname="${operation}" name="${escaped(name)}"`;
    return report === ""
      ? `${start}/>`
      : `${start}><failure message="differs from the contract">${escaped(report)}</failure></testcase>`;
  });
  if (unreachable !== undefined)
    cases.push(
      `<testcase classname="any" name="an answer"><error message="${escaped(unreachable)}"/></testcase>`,
    );
  const failures = results.filter(({ report }) => report !== "").length;
  const counts = `tests="${cases.length}" failures="${failures}" errors="${cases.length - results.length}"`;
  const name = escaped(`${contract.info.title} ${contract.info.version} at ${url}`);
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites ${counts}>`,
    `<testsuite name="${name}" ${counts}>`,
    ...cases,
    "</testsuite>",
    "</testsuites>",
    "",
  ].join("\n");
}

/** Text for an element or an attribute of XML 1.0, which has no place for most control characters. */
function escaped(text: string): string {
  const entities: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
  return text
    .replace(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, "\uFFFD")
    .replace(/[&<>"]/g, (character) => entities[character] as string);
}

/** @throws {UsageError} where the file cannot be written */
function write(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (error) {
    throw new UsageError(`--junit cannot be written: ${(error as NodeJS.ErrnoException).code}`);
  }
}
