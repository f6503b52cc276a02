import { expect, it } from "vitest";
import { runCommand } from "../support/harness.ts";

it("a run that has loaded our PostgreSQL still ends with the exit code that failed tests set", async () => {
  const code = 'await import("./test/postgres.ts"); process.exitCode = 1;';
  const ended = await runCommand([code], {}, ["--import", "tsx", "--input-type=module", "--eval"]);
  expect(ended).toEqual({ code: 1, stdout: "", stderr: "" });
});
