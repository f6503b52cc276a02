/**
 * `npm run release -- <version>`: sets the version of both packages, the contract, the image and the generated code,
 * dates the changes in CHANGELOG.md and copies the contract to released.json. Creates one commit with a tag, or changes
 * nothing. It does not push or publish: .github/workflows/release.yml publishes once the tag is pushed.
 */
import { execFileSync } from "node:child_process";
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { findBreakingChanges, readContracts } from "./breakingChanges.ts";
import type { Part } from "./contractFile.ts";

/** Explains to the user why nothing is released. */
class NotReleasableError extends Error {}

try {
  const [version = "", ...others] = process.argv.slice(2);
  if (!/^(0|[1-9]\d*)(\.(0|[1-9]\d*)){2}$/.test(version) || others.length > 0)
    throw new NotReleasableError("Usage: npm run release -- <version>, for example npm run release -- 1.2.0");
  requireReleasable(version);
  release(version);
  console.log(`Released ${version}: committed and tagged v${version}, not pushed.`);
} catch (error) {
  if (!(error instanceof NotReleasableError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}

/** @throws {NotReleasableError} */
function requireReleasable(version: string): void {
  const uncommitted = run("git", "status", "--porcelain");
  if (uncommitted !== "") throw new NotReleasableError(`Commit or stash your changes first:\n${uncommitted}`);
  const { released, current } = readContracts();
  const last: string = released.info.version;
  if (!isHigher(version, last))
    throw new NotReleasableError(`${version} is not higher than ${last}, the last release.`);
  const changes = findBreakingChanges(released, current);
  if (changes.length > 0)
    throw new NotReleasableError(`Clients of ${last} could break:\n${changes.join("\n")}`);
  const [unreleased = ""] = read("CHANGELOG.md").split("## [Unreleased]\n").slice(1);
  if (/^\s*(## |$)/.test(unreleased))
    throw new NotReleasableError("CHANGELOG.md lists nothing under [Unreleased].");
}

/** Changes all files or none: if a step fails, everything is restored from the last commit. */
function release(version: string): void {
  const [day] = new Date().toISOString().split("T");
  try {
    // Not `npm version`, which leaves the workspace's entry in the lock file or installs packages.
    for (const file of ["package.json", "client/package.json"])
      changeJson(file, (json) => (json.version = version));
    changeJson("package-lock.json", (lock) => {
      for (const part of [lock, lock.packages[""], lock.packages.client]) part.version = version;
    });
    replace("openapi/openapi.yaml", /^( {2}version: ).+$/m, `$1${version}`);
    replace("Dockerfile", /(image\.version=")[^"]+/, `$1${version}`);
    replace("server/deploy/kubernetes.yaml", /(image: distribu-customers-api:).+/, `$1${version}`);
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

function replace(file: string, found: RegExp, replacement: string): void {
  writeFileSync(file, read(file).replace(found, replacement));
}

function changeJson(file: string, change: (json: Part) => void): void {
  const json = JSON.parse(read(file));
  change(json);
  writeFileSync(file, `${JSON.stringify(json, null, 2)}\n`);
}

function read(file: string): string {
  return readFileSync(file, "utf8");
}

function isHigher(version: string, than: string): boolean {
  const [parts, others] = [version, than].map((text) => text.split(".").map(Number)) as [number[], number[]];
  const differing = parts.findIndex((part, index) => part !== others[index]);
  return differing >= 0 && (parts[differing] as number) > (others[differing] as number);
}

/** Runs a program and returns its standard output. */
function run(program: string, ...args: string[]): string {
  return execFileSync(program, args, { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] }).trim();
}
