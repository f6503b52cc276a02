/** `distribu contract`: provokes every response that a key can get from an API, and compares each with the contract. */
import { writeFileSync } from "node:fs";
import { type Command, InvalidArgumentError } from "commander";
import { basePath, contract } from "../contract.ts";
import { confirmResponse, createContractClient } from "./contractClient.ts";
import { provokedResponses } from "./contractResponses.ts";
import { UsageError } from "./usageError.ts";

/** The result for one response of the contract. */
interface Result {
  /** For example `createCustomer 409 A customer with this email already exists.` */
  name: string;
  /** How the response differs from the contract; empty if it conforms. */
  report: string;
}

/** No response arrived. */
class UnreachableError extends Error {}

/** Defines `distribu contract`. */
export function define(command: Command): void {
  command
    .description(
      "Tests the responses of a running API against the contract. It creates customers, which the API cannot delete, in the company of the key.",
    )
    .requiredOption("--url <url>", `URL of the API, with or without ${basePath}`, parseUrl)
    .requiredOption("--key <key>", "API key of a test company, with both scopes", parseKey)
    .option("--junit <file>", "also write the report to a file as JUnit XML, for CI")
    .addHelpText(
      "after",
      "\nExit codes: 0: every response conforms to the contract; 1: a response differs or did not arrive; 2: invalid arguments.",
    )
    .action(async ({ url, key, junit }) => {
      if (junit !== undefined) writeReport(junit, "");
      process.exitCode = (await compare(url, key, junit)) ? 0 : 1;
    });
}

function parseUrl(text: string): string {
  if (!/^https?:\/\/[^/]/.test(text) || !URL.canParse(text))
    throw new InvalidArgumentError("Expected an http or https URL.");
  return text.replace(/\/+$/, "").replace(new RegExp(`${basePath}$`), "");
}

function parseKey(text: string): string {
  if (!/^[!-~]+$/.test(text)) throw new InvalidArgumentError("It is not an API key.");
  return text;
}

/** Prints a line for each response, with its differences. Returns whether every response arrived and conforms. */
async function compare(url: string, key: string, junit: string | undefined): Promise<boolean> {
  console.log(`Comparing ${url} with ${contract.info.title} ${contract.info.version}.`);
  console.log("This creates customers with emails contract-...@contract.example, which are not deleted.\n");
  // A proxy adds headers of its own.
  const client = createContractClient({ url, key, strictHeaders: false });
  const results: Result[] = [];
  let unreachable: string | undefined;
  try {
    for (const [name, provoke] of Object.entries(provokedResponses)) {
      const report = await reportDifferences(async () => confirmResponse(name, await provoke(client)));
      results.push({ name, report });
      console.log(
        report === "" ? `conforms  ${name}` : `differs   ${name}\n${report.replaceAll(/^/gm, "          ")}`,
      );
    }
  } catch (error) {
    if (!(error instanceof UnreachableError)) throw error;
    unreachable = `No response: ${error.message}`;
    console.error(unreachable);
  }
  if (junit !== undefined) writeReport(junit, formatJunit(url, results, unreachable));
  if (unreachable !== undefined) return false;
  const differing = results.filter(({ report }) => report !== "").length;
  console.log(
    `\n${results.length - differing} of ${results.length} responses conform to the contract; ${differing} differ.`,
  );
  return differing === 0;
}

/** The report on a response that differs; empty if it conforms. */
async function reportDifferences(provoke: () => Promise<unknown>): Promise<string> {
  try {
    await provoke();
    return "";
  } catch (error) {
    const { name, message, cause } = error as Error & { cause?: NodeJS.ErrnoException };
    if (name === "TimeoutError") throw new UnreachableError(message);
    // fetch throws this when no response arrives.
    if (message === "fetch failed") throw new UnreachableError(cause?.code ?? String(cause));
    return message;
  }
}

/** Formats the report as JUnit XML: a test case for each response, and an error if the API stopped responding. */
function formatJunit(url: string, results: Result[], unreachable: string | undefined): string {
  const cases = results.map(({ name, report }) => {
    const [operation] = name.split(" ");
    const start = `<testcase classname="${operation}" name="${escapeXml(name)}"`;
    return report === ""
      ? `${start}/>`
      : `${start}><failure message="differs from the contract">${escapeXml(report)}</failure></testcase>`;
  });
  if (unreachable !== undefined)
    cases.push(
      `<testcase classname="any" name="a response"><error message="${escapeXml(unreachable)}"/></testcase>`,
    );
  const failures = results.filter(({ report }) => report !== "").length;
  const counts = `tests="${cases.length}" failures="${failures}" errors="${cases.length - results.length}"`;
  const name = escapeXml(`${contract.info.title} ${contract.info.version} at ${url}`);
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

/** Escapes text for an element or attribute of XML 1.0, which allows few control characters. */
function escapeXml(text: string): string {
  const entities: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
  return text
    .replace(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, "\uFFFD")
    .replace(/[&<>"]/g, (character) => entities[character] as string);
}

/** @throws {UsageError} if the file cannot be written */
function writeReport(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (error) {
    throw new UsageError(`--junit cannot be written: ${(error as NodeJS.ErrnoException).code}`);
  }
}
