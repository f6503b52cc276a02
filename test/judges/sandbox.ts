import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Starts a sandbox on a free port, as partners do; returns its process and its address. */
export async function startSandbox(): Promise<{ sandbox: ChildProcess; url: string }> {
  const sandbox = spawn(process.execPath, ["dist/server/cli.js", "sandbox"], {
    cwd: root,
    env: { ...process.env, PORT: "0" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  for await (const chunk of sandbox.stdout.iterator({ destroyOnReturn: false })) {
    output += chunk;
    const [, url] = /"url":"([^"]+)"/.exec(output) ?? [];
    if (url) {
      sandbox.stdout.resume();
      return { sandbox, url };
    }
  }
  throw new Error(`The sandbox did not start:\n${output}`);
}
