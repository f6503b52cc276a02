/**
 * `npm run release -- <version>`: sets the version of the package, of the contract and of what is generated from
 * it, dates the changes in CHANGELOG.md and keeps the contract as the released one: one commit with a tag, or
 * nothing at all. Pushes and publishes nothing.
 */
import { execFileSync } from "node:child_process";
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { breaksOf, readContracts } from "./breakingChanges.ts";

/** Why there is no release: a line for whoever asked for it. */
class RefusedError extends Error {}

try {
  const [version = "", ...others] = process.argv.slice(2);
  if (!/^(0|[1-9]\d*)(\.(0|[1-9]\d*)){2}$/.test(version) || others.length > 0)
    throw new RefusedError("Usage: npm run release -- <version>, as in npm run release -- 1.2.0");
  requireReleasable(version);
  release(version);
  console.log(`Released ${version}: committed and tagged v${version}, not pushed.`);
} catch (error) {
  if (!(error instanceof RefusedError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}

/** @throws {RefusedError} */
function requireReleasable(version: string): void {
  const uncommitted = run("git", "status", "--porcelain");
  if (uncommitted !== "") throw new RefusedError(`Commit or stash your changes first:\n${uncommitted}`);
  const { released, today } = readContracts();
  const last: string = released.info.version;
  if (!isHigher(version, last))
    throw new RefusedError(`${version} is not higher than ${last}, which was released last.`);
  const breaks = breaksOf(released, today);
  if (breaks.length > 0) throw new RefusedError(`Clients of ${last} could break:\n${breaks.join("\n")}`);
  if (!/^## \[Unreleased\]\n+[^\s#]|^## \[Unreleased\]\n+###/m.test(readFileSync("CHANGELOG.md", "utf8")))
    throw new RefusedError("CHANGELOG.md says nothing under [Unreleased].");
}

/** All files, or none: where a step fails, everything is as it was committed. */
function release(version: string): void {
  const [day] = new Date().toISOString().split("T");
  try {
    run("npm", "version", version, "--no-git-tag-version", "--allow-same-version");
    replace("openapi/openapi.yaml", /^( {2}version: ).+$/m, `$1${version}`);
    replace("CHANGELOG.md", /^## \[Unreleased\]$/m, `$&\n\n## [${version}] - ${day}`);
    run("npm", "run", "--silent", "generate");
    copyFileSync("generated/openapi.json", "openapi/released.json");
    run("git", "commit", "--all", "--quiet", "--message", `Release ${version}`);
  } catch (error) {
    run("git", "restore", "--staged", "--worktree", ".");
    throw error;
  }
  run("git", "tag", `v${version}`);
}

function replace(file: string, found: RegExp, by: string): void {
  writeFileSync(file, readFileSync(file, "utf8").replace(found, by));
}

function isHigher(version: string, than: string): boolean {
  const [parts, others] = [version, than].map((text) => text.split(".").map(Number)) as [number[], number[]];
  const differing = parts.findIndex((part, index) => part !== others[index]);
  return differing >= 0 && (parts[differing] as number) > (others[differing] as number);
}

/** What a program prints. */
function run(program: string, ...args: string[]): string {
  return execFileSync(program, args, { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] }).trim();
}
