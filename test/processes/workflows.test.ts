/** The workflows of GitHub, as far as they can be verified here. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { readPage } from "../support/pages.ts";

interface Step {
  run?: string;
  uses?: string;
  env?: Record<string, string>;
}
const read = (name: string) => parse(readFileSync(`.github/workflows/${name}.yml`, "utf8"));
const steps = (job: { steps: Step[] }) => job.steps.flatMap(({ run }) => run ?? []);

describe("release.yml", () => {
  const { on, jobs } = read("release");

  it("release.yml: a version tag → CI, then both packages, then the image", () => {
    expect(on).toEqual({ push: { tags: ["v*"] } });
    expect([jobs.ci.uses, jobs.packages.needs, jobs.image.needs]).toEqual([
      "./.github/workflows/ci.yml",
      "ci",
      "packages",
    ]);
    expect("workflow_call" in read("ci").on).toBe(true);
    const published = steps(jobs.packages).filter((run) => run.startsWith("npm publish"));
    expect(published).toEqual([
      "npm publish --provenance --access public",
      "npm publish --workspace client --provenance --access public",
    ]);
    for (const { permissions } of [jobs.packages, jobs.image]) expect(permissions["id-token"]).toBe("write");
    expect(existsSync("Dockerfile")).toBe(true);
  });

  it("release checklist: step 1 → registers the npm organization", () => {
    const [, step] = /^## Release\n.*?^1\. (.*?)^2\. /ms.exec(readPage("openapi/README.md")) ?? [];
    expect(step).toContain("Register the npm organization `distribu`");
  });

  it("release.yml: tag differs from the packages' version → the step fails", () => {
    const [compare = ""] = steps(jobs.packages).filter((run) => run.startsWith("test "));
    const { version } = JSON.parse(readFileSync("package.json", "utf8"));
    const run = (tag: string) =>
      execFileSync("bash", ["-c", compare], { env: { ...process.env, GITHUB_REF_NAME: tag } });
    run(`v${version}`);
    expect(() => run(`v${version}1`)).toThrow();
  });
});
