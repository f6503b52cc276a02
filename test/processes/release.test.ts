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

const { version: current } = JSON.parse(readFileSync("package.json", "utf8"));

/** What a release changes, and what it needs. */
const copied = [
  "package.json",
  "package-lock.json",
  "CHANGELOG.md",
  "README.md",
  ".gitignore",
  "openapi",
  "generated",
  "server",
];

/** A repository of what there is, one line of CHANGELOG.md later. */
async function createRepository() {
  const folder = temporaryFolder();
  onTestFinished(folder.remove);
  for (const name of copied) cpSync(name, join(folder.path, name), { recursive: true });
  symlinkSync(join(process.cwd(), "node_modules"), join(folder.path, "node_modules"));
  const repository = {
    read: (name: string) => readFileSync(join(folder.path, name), "utf8"),
    change(name: string, from: string | RegExp, to: string) {
      const text = repository.read(name);
      expect(text).toMatch(from);
      writeFileSync(join(folder.path, name), text.replace(from, to));
    },
    run: (command: string): Promise<ProgramResult> =>
      runProgram("bash", ["-euo", "pipefail", "-c", `cd ${folder.path}\n${command}`], person),
    commit: () => repository.run("git add . && git commit -qm Change"),
    release: (version: string) => repository.run(`npm run --silent release -- ${version}`),
  };
  repository.change("CHANGELOG.md", "## [Unreleased]\n", "## [Unreleased]\n\n### Added\n\n- Something.\n");
  // A symbolic link is no folder, which is all that .gitignore ignores.
  await repository.run("git init -q && echo node_modules >> .git/info/exclude");
  await repository.commit();
  return repository;
}

it("releases package, contract, generated code, CHANGELOG and kept contract as one tagged commit", async () => {
  const repository = await createRepository();
  const ended = await repository.release("1.999.0");
  expect(ended).toEqual({
    code: 0,
    stdout: "Released 1.999.0: committed and tagged v1.999.0, not pushed.\n",
    stderr: "",
  });
  expect(JSON.parse(repository.read("package.json")).version).toBe("1.999.0");
  expect(JSON.parse(repository.read("package-lock.json")).packages[""].version).toBe("1.999.0");
  expect(repository.read("openapi/openapi.yaml")).toContain("\n  version: 1.999.0\n");
  expect(JSON.parse(repository.read("generated/openapi.json")).info.version).toBe("1.999.0");
  expect(repository.read("openapi/released.json")).toBe(repository.read("generated/openapi.json"));
  expect(repository.read("CHANGELOG.md")).toMatch(
    /^## \[Unreleased\]\n\n## \[1\.999\.0\] - \d{4}-\d\d-\d\d\n\n### Added\n\n- Something\.\n/m,
  );
  const { stdout } = await repository.run(
    "git status --porcelain; git log -1 --format=%s; git describe --exact-match --tags",
  );
  // A tag of the last commit, and nothing that is not in it.
  expect(stdout).toBe("Release 1.999.0\nv1.999.0\n");
  expect((await repository.release("1.999.1")).stderr).toBe(
    "CHANGELOG.md says nothing under [Unreleased].\n",
  );
});

it.each([
  [
    "a version that is not higher",
    current,
    `${current} is not higher than ${current}, which was released last.`,
  ],
  ["a version that is lower", "0.999.9", `0.999.9 is not higher than ${current}, which was released last.`],
  ["what is no version", "v2", "Usage: npm run release -- <version>"],
  ["no version", "", "Usage: npm run release -- <version>"],
])("refuses %s, and changes nothing", async (_title, version, message) => {
  const repository = await createRepository();
  const { code, stderr } = await repository.release(version);
  expect(stderr).toContain(message);
  expect(code).toBe(1);
  expect((await repository.run("git status --porcelain; git tag; git log --format=%s")).stdout).toBe(
    "Change\n",
  );
});

it("refuses what is not committed, and a contract that could break a client", async () => {
  const repository = await createRepository();
  repository.change("openapi/openapi.yaml", "maxLength: 254", "maxLength: 100");
  const dirty = await repository.release("1.999.0");
  expect(dirty.stderr).toContain("Commit or stash your changes first:\nM openapi/openapi.yaml\n");
  expect(dirty.code).toBe(1);

  await repository.commit();
  const breaking = await repository.release("1.999.0");
  expect(breaking.stderr).toBe(
    `Clients of ${current} could break:\nPOST /customers body application/json email: maxLength was 254, is 100\n`,
  );
  expect(breaking.code).toBe(1);
  const compared = await repository.run("npm run --silent contract:breaking");
  expect(compared.stderr).toContain("email: maxLength was 254, is 100\n\nThis can break clients of");
  expect(compared.code).toBe(1);
  expect((await repository.run("git status --porcelain; git tag")).stdout).toBe("");
});

it("leaves everything as it was where a step fails", async () => {
  const repository = await createRepository();
  repository.change("openapi/generate.ts", /^const contract = .*$/m, 'throw new Error("out of order");');
  await repository.commit();
  const { code, stderr } = await repository.release("1.999.0");
  expect(stderr).toContain("out of order");
  expect(code).toBe(1);
  expect((await repository.run("git status --porcelain; git tag")).stdout).toBe("");
});

it("the contract has the version of the package, and so has the newest release of CHANGELOG.md", () => {
  for (const file of ["generated/openapi.json", "openapi/released.json"])
    expect(JSON.parse(readFileSync(file, "utf8")).info.version).toBe(current);
  expect(JSON.parse(readFileSync("package-lock.json", "utf8")).version).toBe(current);
  expect(readFileSync("CHANGELOG.md", "utf8")).toMatch(
    new RegExp(
      `^## \\[Unreleased\\]\\n(?:(?!## )[^\\n]*\\n)*## \\[${current}\\] - \\d{4}-\\d\\d-\\d\\d$`,
      "m",
    ),
  );
});
