/** `distribu contract`: provokes every response that a key can get from an API, and compares each with the contract. */
import { writeFileSync } from "node:fs";
import { type Command, InvalidArgumentError } from "commander";
import { basePath, contract } from "../contract.ts";
import { confirmResponse, createContractClient, SkippedError } from "./contractClient.ts";
import {
  formatJson,
  formatJunit,
  formatResult,
  formatSummary,
  type Result,
  type Run,
} from "./contractReports.ts";
import { isProvokedByReads, provokedResponses } from "./contractResponses.ts";
import { UsageError } from "./usageError.ts";

interface Options {
  url: string;
  key: string;
  readOnly?: boolean;
  json?: boolean;
  junit?: string;
}

const exitCodes = { conforms: 0, differs: 1, noResponse: 3 };

/** No response arrived. */
class UnreachableError extends Error {}

/** Defines `distribu contract`. */
export function define(command: Command): void {
  command
    .description(
      "Tests the responses of a running API against the contract, and prints the time of each. Unless --read-only is given, it creates customers in the key's company, which the API cannot delete.",
    )
    .requiredOption("--url <url>", `URL of the API, with or without ${basePath}`, parseUrl)
    .requiredOption(
      "--key <key>",
      "API key of a test company, with both scopes; with --read-only, customers:read is enough",
      parseKey,
    )
    .option("--read-only", "send only GET, HEAD and OPTIONS, and read existing customers")
    .option("--json", "print the report as one JSON document")
    .option("--junit <file>", "also write the report to a file as JUnit XML, for CI")
    .addHelpText(
      "after",
      `
Exit codes:
  0  every response conforms to the contract
  1  a response differs
  2  invalid arguments; nothing was sent
  3  a response did not arrive`,
    )
    .action(async ({ junit, json = false, ...options }: Options) => {
      if (junit !== undefined) writeReport(junit, "");
      const run = await compare(options, json ? () => {} : console.log);
      if (junit !== undefined) writeReport(junit, formatJunit(run));
      if (json) console.log(formatJson(run));
      else if (run.error === undefined) console.log(`\n${formatSummary(run)}`);
      if (run.error !== undefined) console.error(run.error);
      process.exitCode = findExitCode(run);
    });
}

function parseUrl(text: string): string {
  if (!/^https?:\/\/[^/]/.test(text) || !URL.canParse(text))
    throw new InvalidArgumentError("Expected an http or https URL.");
  return text.replace(/\/+$/, "").replace(new RegExp(`${basePath}$`), "");
}

function parseKey(text: string): string {
  if (!/^[!-~]+$/.test(text)) throw new InvalidArgumentError("Not an API key.");
  return text;
}

function findExitCode({ error, results }: Run): number {
  if (error !== undefined) return exitCodes.noResponse;
  return results.some(({ outcome }) => outcome === "differs") ? exitCodes.differs : exitCodes.conforms;
}

/** Compares all responses, and prints each result as it arrives. */
async function compare(
  { url, key, readOnly: isReadOnly = false }: Options,
  print: (line: string) => void,
): Promise<Run> {
  print(`Comparing ${url} with ${contract.info.title} ${contract.info.version}.`);
  print(
    isReadOnly
      ? "Only GET, HEAD and OPTIONS requests are sent.\n"
      : "This creates customers with emails contract-...@contract.example, which are not deleted.\n",
  );
  const run: Run = { url, startedAt: new Date(), isReadOnly, results: [] };
  let milliseconds = 0;
  const client = createContractClient({
    url,
    key,
    isReadOnly,
    // A proxy adds headers of its own.
    strictHeaders: false,
    onReceived: (time) => (milliseconds = time),
  });
  const provoked = Object.entries(provokedResponses).filter(
    ([name]) => !isReadOnly || isProvokedByReads(name),
  );
  try {
    for (const [name, provoke] of provoked) {
      const found = await findOutcome(async () => confirmResponse(name, await provoke(client)));
      const result: Result = { name, milliseconds, ...found };
      run.results.push(result);
      print(formatResult(result));
    }
  } catch (error) {
    if (!(error instanceof UnreachableError)) throw error;
    run.error = `No response: ${error.message}`;
  }
  return run;
}

async function findOutcome(provoke: () => Promise<unknown>): Promise<Pick<Result, "outcome" | "report">> {
  try {
    await provoke();
    return { outcome: "conforms", report: "" };
  } catch (error) {
    const { name, message, cause } = error as Error & { cause?: NodeJS.ErrnoException };
    if (name === "TimeoutError") throw new UnreachableError(message);
    // fetch throws this when no response arrives.
    if (message === "fetch failed") throw new UnreachableError(cause?.code ?? String(cause));
    return { outcome: error instanceof SkippedError ? "skipped" : "differs", report: message };
  }
}

/** @throws {UsageError} if the file cannot be written */
function writeReport(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (error) {
    throw new UsageError(`--junit cannot be written: ${(error as NodeJS.ErrnoException).code}`);
  }
}
