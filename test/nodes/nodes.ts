import { execFileSync, spawnSync } from "node:child_process";
import { rmSync, symlinkSync } from "node:fs";
import { join, resolve } from "node:path";
import { onTestFinished } from "vitest";
import { temporaryFolder } from "../support/temporaryFolder.ts";

/** The oldest Node that package.json's `engines` allows, the one that it installs, and the newest. */
export const supportedNodes = [installed("node22"), resolve("node_modules/.bin/node"), installed("node26")];
/** Nodes that are too old to run the programs. */
export const olderNodes = [installed("node18"), installed("node20")];

/** The program of a package in this folder's package.json. */
function installed(name: string): string {
  return resolve(`test/nodes/node_modules/${name}/bin/node`);
}

/** Such as `v22.12.0`. */
export function versionOf(node: string): string {
  return execFileSync(node, ["--version"], { encoding: "utf8" }).trim();
}

/** A clone of this repository in a folder that only its owner may enter; it is removed when the test finishes. */
export function cloneRepository(): string {
  const folder = temporaryFolder();
  onTestFinished(() => folder.remove());
  const clone = join(folder.path, "clone");
  execFileSync("git", ["clone", "--quiet", ".", clone]);
  return clone;
}

/** Installs in a clone what is installed here, with another Node for npm's scripts, which run what is in `.bin`. */
export function linkModules(clone: string, node: string): void {
  // Links take no time and no room, but exist only within a file system.
  const link = spawnSync("cp", ["-al", "node_modules", clone]);
  if (link.status !== 0) execFileSync("cp", ["-a", resolve("node_modules"), clone]);
  const program = join(clone, "node_modules/.bin/node");
  rmSync(program);
  symlinkSync(node, program);
}
