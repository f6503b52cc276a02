import { execFileSync, execSync } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/**
 * Packs the built package and installs it in a folder as npm would, but with its dependencies linked, so that
 * no registry is needed. Returns the files of the package.
 */
export function installPackage(folder: string): string[] {
  const { name, dependencies } = JSON.parse(readFileSync("package.json", "utf8"));
  const pack = `npm pack --json --ignore-scripts --pack-destination ${folder}`;
  const [{ filename, files }] = JSON.parse(execSync(pack, { encoding: "utf8", stdio: "pipe" }));
  const modules = join(folder, "node_modules");
  mkdirSync(join(modules, name), { recursive: true });
  for (const dependency of Object.keys(dependencies)) {
    // A scoped package is in the folder of its scope.
    mkdirSync(dirname(join(modules, dependency)), { recursive: true });
    symlinkSync(join(process.cwd(), "node_modules", dependency), join(modules, dependency));
  }
  writeFileSync(join(folder, "package.json"), JSON.stringify({ dependencies: { [name]: "*" } }));
  // `npm rebuild` links the commands of an installed package.
  const steps = `tar -xzf ${filename} -C node_modules/${name} --strip-components=1 && npm rebuild --ignore-scripts`;
  execSync(steps, { cwd: folder, stdio: "pipe" });
  return files.map(({ path }: { path: string }) => path);
}

/** Packs the client, which must have been built, into a folder; returns the archive and the names of its files. */
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
