/** The shell and the folder in which the commands for partners run. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const here = fileURLToPath(new URL(".", import.meta.url));
export const root = join(here, "../..");
/** Removed at the end. */
export const temporary = mkdtempSync(join(tmpdir(), "distribu-partners-"));

/** The environment of a partner: the URL of the API, and a key. */
export type PartnerVariables = Record<"DISTRIBU_URL" | "DISTRIBU_API_KEY", string>;

/** The environment of a shell, without the variables that `npm run` sets for this project. */
const shellEnvironment = {
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("npm_"))),
  npm_config_prefer_offline: "true",
  // Some generators send telemetry.
  DO_NOT_TRACK: "1",
};

/** Runs a shell that reads the commands as if pasted: a program that reads standard input consumes the rest. */
export async function run(
  command: string,
  cwd: string,
  variables: Record<string, string> = {},
): Promise<{ code: number | null; output: string }> {
  const child = spawn("sh", ["-s"], { cwd, env: { ...shellEnvironment, ...variables } });
  child.stdin.end(command);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += chunk));
  const [code] = await once(child, "close");
  return { code, output };
}
