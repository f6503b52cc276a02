/** The code that the sandbox's page offers for its requests, run in each language. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { confirmResponse } from "../../server/commands/contractClient.ts";
import type { ObservedResponse } from "../../server/contractCheck.ts";
import { formatRequest, type Language } from "../../server/sandbox/codeSamples.ts";
import { sandboxKeys } from "../../server/sandbox/data.ts";
import { sandboxRequests } from "../../server/sandbox/requests.ts";
import { serveChecked } from "../support/otherServers.ts";
import { runProgram, spawnServer } from "../support/processes.ts";
import { temporaryFolder } from "../support/temporaryFolder.ts";

const python = process.env.PYTHON ?? "/usr/bin/python3";
const php = process.env.PHP ?? "/usr/bin/php";

/** How to run files one after the other in one process: the program and its script. Another test runs the curls. */
const runners: Record<
  Exclude<Language, "curl">,
  { program: string; ending: string; main(files: string[]): string }
> = {
  TypeScript: {
    program: process.execPath,
    ending: "mjs",
    main: (files) => files.map((file) => `await import(${JSON.stringify(file)});`).join("\n"),
  },
  Python: {
    program: python,
    ending: "py",
    main: (files) => `import runpy\nfor file in ${JSON.stringify(files)}:\n    runpy.run_path(file)\n`,
  },
  PHP: {
    program: php,
    ending: "php",
    main: (files) => `<?php\n${files.map((file) => `include ${JSON.stringify(file)};`).join("\n")}\n`,
  },
};

// The proxy itself would reject headers that are too large.
const requests = sandboxRequests.filter(({ response }) => !response.startsWith("any 431"));

describe("sandbox samples", () => {
  it.each(Object.entries(runners))(
    "sandbox samples: %s → every request gets its response",
    async (language, { program, ending, main }) => {
      const sandbox = await spawnServer({}, "dist/server/sandbox/main.js");
      const seen: ObservedResponse[] = [];
      const url = await serveChecked(sandbox.url, (response) => seen.push(response));
      const folder = temporaryFolder();
      onTestFinished(folder.remove);
      const files = requests.map(({ key, response: _, ...request }, index) => {
        const authorization = key && { Authorization: `Bearer ${sandboxKeys[key].key}` };
        const headers = { ...authorization, ...request.headers };
        const file = join(folder.path, `${index}.${ending}`);
        writeFileSync(file, formatRequest(language as Language, `${url}/api/v1`, { ...request, headers }));
        return file;
      });
      const start = join(folder.path, `main.${ending}`);
      writeFileSync(start, main(files));
      const ran = await runProgram(program, [start]);
      expect(ran.code, ran.stderr).toBe(0);
      for (const { response, times = 1 } of requests)
        confirmResponse(response, seen.splice(0, times).at(-1) as ObservedResponse);
      expect(seen).toEqual([]);
    },
  );
});
