/** `npm run contract`: asks a deployment for every answer that a key can provoke, and compares. */
import { parseArgs } from "node:util";
import { basePath, contract } from "../server/contract.ts";
import { confirmed, createApi, outsideAnswers } from "./answers.ts";

const usage = "npm run contract -- --url <https://...> --key <dk_...>";
const help = `Usage: ${usage}

Compares the answers of a running API with the contract. Creates customers there, which the API
cannot delete again, in the company of the key.

  --url  where the API is, with or without ${basePath}
  --key  an API key with both scopes, of a company that is meant for tests

Exit code 0: every answer is as the contract says; 1: one differs, or none came; 2: wrong arguments.`;

/** Wrong arguments: one line, and exit code 2. */
class UsageError extends Error {}

/** No answer came. */
class UnreachableError extends Error {}

try {
  const { url, key, isHelp } = readArguments();
  if (isHelp) console.log(help);
  else process.exitCode = (await compare(url, key)) ? 0 : 1;
} catch (error) {
  if (error instanceof UsageError) {
    console.error(`${error.message}. Usage: ${usage}`);
    process.exitCode = 2;
  } else if (error instanceof UnreachableError) {
    console.error(`No answer came: ${error.message}`);
    process.exitCode = 1;
  } else throw error;
}

function readArguments(): { url: string; key: string; isHelp: boolean } {
  let values: { url?: string; key?: string; help?: boolean };
  try {
    ({ values } = parseArgs({
      options: { url: { type: "string" }, key: { type: "string" }, help: { type: "boolean" } },
    }));
  } catch (error) {
    // Node's messages go on to explain themselves.
    throw new UsageError(String((error as Error).message).split(/[.\n]/)[0]);
  }
  const { url = "", key = "", help: isHelp = false } = values;
  if (isHelp) return { url, key, isHelp };
  if (!/^https?:\/\/[^/]/.test(url) || !URL.canParse(url))
    throw new UsageError("--url must be an http address");
  if (!/^[!-~]+$/.test(key)) throw new UsageError("--key must be an API key");
  return { url: url.replace(/\/+$/, "").replace(new RegExp(`${basePath}$`), ""), key, isHelp };
}

/** Prints a line for each answer, and what differs; returns whether nothing does. */
async function compare(url: string, key: string): Promise<boolean> {
  console.log(`Compares ${url} with ${contract.info.title} ${contract.info.version}.`);
  console.log("This creates customers there, as contract-...@contract.example; they are not deleted.\n");
  // A proxy adds headers of its own.
  const api = createApi({ url, key, strictHeaders: false });
  const answers = Object.entries(outsideAnswers);
  let same = 0;
  for (const [name, provoke] of answers) {
    const report = await differenceOf(async () => confirmed(name, await provoke(api)));
    if (report === "") same += 1;
    console.log(
      report === "" ? `same     ${name}` : `differs  ${name}\n${report.replaceAll(/^/gm, "         ")}`,
    );
  }
  const differing = answers.length - same;
  console.log(`\n${same} of ${answers.length} answers are as the contract says; ${differing} differ.`);
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
