/** Runs servers, commands and other programs as processes. */
import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { once } from "node:events";
import { onTestFinished } from "vitest";
import { type CustomersClient, createCustomersClient } from "../../client/index.ts";
import { connectDatabase } from "../../server/database/connect.ts";
import { createTestFetch, immediate } from "./checkedFetch.ts";
import { assertNoKey, assertNoSecretsInLog } from "./secrets.ts";
import { bothScopes } from "./server.ts";

const serverEnvironment = {
  PORT: "0",
  NODE_ENV: "production",
  RATE_LIMIT_PER_MINUTE: "0",
  LOG_LEVEL: "info",
};

/** The process of a server, which may not listen yet. */
export interface LaunchedServer {
  process: ChildProcess;
  /** Standard output so far. */
  output(): string;
  /** The exit code, or the signal that killed it. */
  exited: Promise<number | NodeJS.Signals>;
  /**
   * Its address, once it listens.
   * @throws {Error} if it exits first
   */
  listening(): Promise<string>;
}

type ProcessOptions = SpawnOptions & { nodeOptions?: string[] };

export interface SpawnedServer extends LaunchedServer {
  url: string;
  port: number;
  /** The typed client without retries; every response is checked. */
  client(apiKey: string): CustomersClient;
  /** Checked `fetch` of a path of the server. */
  fetch(path: string, init?: RequestInit): Promise<Response>;
}

/**
 * Starts a server as `npm start` does; it is killed when the test finishes.
 * @param program another program that logs its address as the server does
 * @param options of the process; `nodeOptions` are Node's own arguments
 */
export function launchServer(
  environment: Record<string, string>,
  program = "dist/server/main.js",
  { nodeOptions = [], ...options }: ProcessOptions = {},
): LaunchedServer {
  const child = spawn(process.execPath, [...nodeOptions, program], {
    env: { ...process.env, ...serverEnvironment, ...environment },
    stdio: ["ignore", "pipe", "inherit"],
    ...options,
  });
  let output = "";
  const exited = once(child, "exit").then(([code, signal]) => (code ?? signal) as number | NodeJS.Signals);
  onTestFinished(async () => {
    child.kill("SIGKILL");
    await exited;
    // Only the log: at the first startup the server prints a key, in text that is not JSON.
    assertNoSecretsInLog((output.match(/^\{.*$/gm) ?? []).join("\n"));
  });
  const listening = new Promise<string>((resolve) => {
    child.stdout?.on("data", (chunk) => (output += chunk));
    child.stdout?.on("data", function findUrl() {
      const url = /"?url"?: ?"([^"]+)"/.exec(output)?.[1];
      if (!url) return;
      // Searching a long log again for each chunk would keep this process busy.
      child.stdout?.off("data", findUrl);
      resolve(url);
    });
  });
  return {
    process: child,
    output: () => output,
    exited,
    listening: () =>
      Promise.race([
        listening,
        exited.then((code) => {
          throw new Error(`The server exited with ${code} before it listened:\n${output}`);
        }),
      ]),
  };
}

/** Starts a server as `launchServer` does, and waits until it listens. */
export async function spawnServer(
  environment: Record<string, string>,
  program?: string,
  options?: ProcessOptions,
): Promise<SpawnedServer> {
  const launched = launchServer(environment, program, options);
  const url = await launched.listening();
  const checkedFetch = createTestFetch();
  return {
    ...launched,
    url,
    port: Number(new URL(url).port),
    client: (apiKey) =>
      createCustomersClient({ baseUrl: `${url}/api/v1`, apiKey, fetch: checkedFetch, ...immediate }),
    fetch: (path, init) => checkedFetch(url + path, { redirect: "manual", ...init }),
  };
}

/** The exit code and the output of a program. */
export interface ProgramResult {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs a program until it exits; it is killed when the test finishes. */
export async function runProgram(
  program: string,
  args: string[],
  environment: Record<string, string> = {},
): Promise<ProgramResult> {
  const child = spawn(program, args, {
    env: { ...process.env, ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (chunk) => (stdout += chunk));
  child.stderr.on("data", (chunk) => (stderr += chunk));
  const [code] = await once(child, "close");
  assertNoKey("Standard error", stderr);
  return { code, stdout, stderr };
}

/**
 * Runs a command until it exits. The result omits the first lines of standard error, which name the database.
 * @param program Node's arguments before those of the command; by default the built command line
 */
export async function runCommand(
  args: string[],
  environment: Record<string, string> = {},
  program = ["dist/server/cli.js"],
): Promise<ProgramResult> {
  const result = await runProgram(process.execPath, [...program, ...args], environment);
  return { ...result, stderr: result.stderr.replace(/^((Database|From|To): .*\n)+/, "") };
}

/** Runs a server that exits by itself. */
export function runServer(environment: Record<string, string>): Promise<ProgramResult> {
  return runProgram(process.execPath, ["dist/server/main.js"], { ...serverEnvironment, ...environment });
}

/** Creates the tables of a database, as a server does at its first startup. */
export async function createTables(databaseUrl: string): Promise<void> {
  await (await connectDatabase({ url: databaseUrl })).close();
}

/** Creates a key of company `acme` with both scopes by `keys create`, in a database that may be empty. */
export async function createKeyByCommand(databaseUrl: string): Promise<string> {
  await createTables(databaseUrl);
  const { code, stdout, stderr } = await runCommand(
    ["keys", "create", "--company", "acme", "--scopes", bothScopes.join(",")],
    { DATABASE_URL: databaseUrl },
  );
  if (code !== 0) throw new Error(stderr);
  return stdout.trim();
}
