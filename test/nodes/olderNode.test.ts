import { expect, it } from "vitest";
import { runProgram } from "../support/processes.ts";
import { olderNodes, readVersion } from "./nodes.ts";

const programs = ["cli.js", "main.js", "app.js"];
const cases = olderNodes.flatMap((node) =>
  programs.map((program) => [readVersion(node), program, node] as const),
);

it.each(cases)(
  "Node %s: dist/server/%s → exits, one line names the required version",
  async (version, program, node) => {
    const ended = await runProgram(node, [`dist/server/${program}`]);
    expect(ended).toEqual({
      code: 1,
      stdout: "",
      stderr: `Node 22.14 or newer is required; this is ${version} (${node}).\n`,
    });
  },
);
