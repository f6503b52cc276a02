/** The client as a partner installs it: packed, and without a registry. */
import { execFileSync } from "node:child_process";
import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";

/** Packs the client, which must have been built, into a folder; returns the file and what is in it. */
export function packClient(folder: string): { file: string; size: number; files: string[] } {
  const args = ["pack", "-w", "client", "--json", "--ignore-scripts", "--pack-destination", folder];
  const [{ filename, size, files }] = JSON.parse(
    execFileSync("npm", args, { encoding: "utf8", stdio: "pipe" }),
  );
  return { file: join(folder, filename), size, files: files.map(({ path }: { path: string }) => path) };
}

/** Installs the packed client in a folder, with its dependency linked. */
export function installClient(folder: string): void {
  const { file } = packClient(folder);
  const modules = join(folder, "node_modules");
  const installed = join(modules, "@distribu/customers-client");
  mkdirSync(installed, { recursive: true });
  execFileSync("tar", ["-xzf", file, "-C", installed, "--strip-components=1"]);
  symlinkSync(join(process.cwd(), "node_modules/openapi-fetch"), join(modules, "openapi-fetch"));
}
