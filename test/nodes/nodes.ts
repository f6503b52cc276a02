import { execFileSync, spawnSync } from "node:child_process";
import { rmSync, symlinkSync } from "node:fs";
import { join, resolve } from "node:path";
import { onTestFinished } from "vitest";
import { temporaryFolder } from "../support/temporaryFolder.ts";

/** The oldest Node that package.json's `engines` allows, the one that it installs, and the newest. */
export const supportedNodes = [
  installed("node22"),
  resolve("node_modules/.bin/node"),
  installed("node26"),
] as const;
/** A Node that is older than supported. */
export const node20 = installed("node20");
/** Node versions that are too old, the last one only just. */
export const olderNodes = [installed("node18"), node20, installed("node22-13")];

/** The path of the Node that a package in this folder's package.json installs. */
function installed(name: string): string {
  return resolve(`test/nodes/node_modules/${name}/bin/node`);
}

/** Returns a version such as `v22.14.0`. */
export function readVersion(node: string): string {
  return execFileSync(node, ["--version"], { encoding: "utf8" }).trim();
}

/** Clones this repository into a folder that only its owner may enter, until the test finishes. */
export function cloneRepository(): string {
  const folder = temporaryFolder();
  onTestFinished(() => folder.remove());
  const clone = join(folder.path, "clone");
  execFileSync("git", ["clone", "--quiet", ".", clone]);
  return clone;
}

/** Links the installed packages into a clone, with another Node in `.bin`, on which npm's scripts run. */
export function linkModules(clone: string, node: string): void {
  // Hard links take no time or space, but work only within a file system.
  const link = spawnSync("cp", ["-al", "node_modules", clone]);
  if (link.status !== 0) execFileSync("cp", ["-a", resolve("node_modules"), clone]);
  const program = join(clone, "node_modules/.bin/node");
  rmSync(program);
  symlinkSync(node, program);
}
