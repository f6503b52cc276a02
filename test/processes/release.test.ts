import { cpSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { type ProgramResult, runProgram } from "../support/processes.ts";
import { temporaryFolder } from "../support/temporaryFolder.ts";

const person = {
  GIT_AUTHOR_NAME: "Releaser",
  GIT_AUTHOR_EMAIL: "releaser@acme.example",
  GIT_COMMITTER_NAME: "Releaser",
  GIT_COMMITTER_EMAIL: "releaser@acme.example",
  GIT_CONFIG_GLOBAL: "/dev/null",
};

/** The files that a release reads or changes. */
const copied = [
  "package.json",
  "package-lock.json",
  "CHANGELOG.md",
  "Dockerfile",
  "README.md",
  ".gitignore",
  "client",
  "openapi",
  "generated",
  "server",
];

/** A repository in a folder. */
function openRepository(path: string) {
  const repository = {
    path,
    read: (name: string) => readFileSync(join(path, name), "utf8"),
    change(name: string, from: string | RegExp, to: string) {
      const text = repository.read(name);
      expect(text).toMatch(from);
      writeFileSync(join(path, name), text.replace(from, to));
    },
    run: (command: string): Promise<ProgramResult> =>
      runProgram("bash", ["-euo", "pipefail", "-c", `cd ${path}\n${command}`], person),
    commit: () => repository.run("git add . && git commit -qm Change"),
    release: (version: string) => repository.run(`npm run --silent release -- ${version}`),
  };
  return repository;
}

/** A repository of the current files, with one line in CHANGELOG.md, without a release. */
async function createRepository() {
  const { path, remove } = temporaryFolder();
  onTestFinished(remove);
  for (const name of copied) cpSync(name, join(path, name), { recursive: true });
  symlinkSync(join(process.cwd(), "node_modules"), join(path, "node_modules"));
  const repository = openRepository(path);
  repository.change("CHANGELOG.md", /(?<=## \[Unreleased\]\n).*/s, "\n### Added\n\n- Something.\n");
  // .gitignore ignores a folder of that name, not a symbolic link.
  await repository.run("git init -q && echo node_modules >> .git/info/exclude");
  await repository.commit();
  return repository;
}

/** The same repository after release 1.0.0, with one more line in CHANGELOG.md. */
async function createReleasedRepository() {
  const repository = await createRepository();
  const contract = readFileSync("generated/openapi.json", "utf8");
  writeFileSync(join(repository.path, "openapi/released.json"), contract);
  repository.change("CHANGELOG.md", "- Something.\n", "$&\n## [1.0.0] - 2026-01-01\n\n- The first.\n");
  await repository.commit();
  await repository.run("git tag v1.0.0");
  return repository;
}

const state = "git status --porcelain; git tag; git log --format=%s";
const unchanged = "v1.0.0\nChange\nChange\n";

it("npm run release: first version → everything in one tagged commit", async () => {
  const repository = await createRepository();
  expect(await repository.release("1.999.0")).toEqual({
    code: 0,
    stdout: "Released 1.999.0: committed and tagged v1.999.0, not pushed.\n",
    stderr: "",
  });
  for (const file of ["package.json", "client/package.json", "package-lock.json"])
    expect(JSON.parse(repository.read(file)).version).toBe("1.999.0");
  const { packages } = JSON.parse(repository.read("package-lock.json"));
  expect([packages[""].version, packages.client.version]).toEqual(["1.999.0", "1.999.0"]);
  expect(repository.read("openapi/openapi.yaml")).toContain("\n  version: 1.999.0\n");
  expect(JSON.parse(repository.read("generated/openapi.json")).info.version).toBe("1.999.0");
  expect(repository.read("openapi/released.json")).toBe(repository.read("generated/openapi.json"));
  expect(repository.read("CHANGELOG.md")).toMatch(
    /^## \[Unreleased\]\n\n## \[1\.999\.0\] - \d{4}-\d\d-\d\d\n\n### Added\n\n- Something\.\n/m,
  );
  const { stdout } = await repository.run(
    "git status --porcelain; git log -1 --format=%s; git describe --exact-match --tags",
  );
  expect(stdout).toBe("Release 1.999.0\nv1.999.0\n");
  expect((await repository.release("1.999.1")).stderr).toBe(
    "CHANGELOG.md lists nothing under [Unreleased].\n",
  );
});

it.each([
  ["the version of the last release", "1.0.0", "1.0.0 is not higher than 1.0.0, the last release."],
  ["a lower version", "0.999.9", "0.999.9 is not higher than 1.0.0, the last release."],
  ["no valid version", "v2", "Usage: npm run release -- <version>"],
  ["no version", "", "Usage: npm run release -- <version>"],
])("npm run release: %s → exit code 1, nothing changes", async (_title, version, message) => {
  const repository = await createReleasedRepository();
  const { code, stderr } = await repository.release(version);
  expect(stderr).toContain(message);
  expect(code).toBe(1);
  expect((await repository.run(state)).stdout).toBe(unchanged);
});

it("npm run release: uncommitted or breaking changes → exit code 1, named", async () => {
  const repository = await createReleasedRepository();
  repository.change("openapi/openapi.yaml", "maxLength: 254", "maxLength: 100");
  const dirty = await repository.release("1.999.0");
  expect(dirty.stderr).toContain("Commit or stash your changes first:\nM openapi/openapi.yaml\n");
  expect(dirty.code).toBe(1);

  await repository.commit();
  const breaking = await repository.release("1.999.0");
  const change = /GET \/customers query email: maxLength was 254, is 100\n/;
  expect(breaking.stderr).toMatch(/^Clients of 1\.0\.0 could break:\n/);
  expect(breaking.stderr).toMatch(change);
  expect(breaking.code).toBe(1);
  const compared = await repository.run("npm run --silent contract:breaking");
  expect(compared.stderr).toMatch(change);
  expect(compared.stderr).toMatch(/\nThese changes can break clients of the released contract, 1\.0\.0\.\n$/);
  expect(compared.code).toBe(1);
  expect((await repository.run("git status --porcelain; git tag")).stdout).toBe("v1.0.0\n");
});

it("npm run release: a failing step → everything as last committed", async () => {
  const repository = await createReleasedRepository();
  repository.change("openapi/generate.ts", /^const contract = .*$/m, 'throw new Error("out of order");');
  await repository.commit();
  const { code, stderr } = await repository.release("1.999.0");
  expect(stderr).toContain("out of order");
  expect(code).toBe(1);
  expect((await repository.run("git status --porcelain; git tag")).stdout).toBe("v1.0.0\n");
});

it("versions: both packages, the lock file and the contract → the same", () => {
  const read = (file: string) => JSON.parse(readFileSync(file, "utf8"));
  const { version, packages } = read("package-lock.json");
  const contracts = [read("generated/openapi.json").info.version, packages.client.version];
  expect([read("package.json").version, read("client/package.json").version, ...contracts]).toEqual(
    Array(4).fill(version),
  );
});
