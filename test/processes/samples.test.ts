/** The samples of the documentation, each run unchanged. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import type { Part } from "../../openapi/contractFile.ts";
import { listSamples } from "../../openapi/docs/samples.ts";
import { contract } from "../../server/contract.ts";
import type { OperationId } from "../../server/operations.ts";
import { serveChecked } from "../support/otherServers.ts";
import { installClient } from "../support/packages.ts";
import type { Partner } from "../support/partner.ts";
import { type ProgramResult, runProgram, spawnServer } from "../support/processes.ts";
import { startServer } from "../support/server.ts";
import { temporaryFolder } from "../support/temporaryFolder.ts";

const python = process.env.PYTHON ?? "/usr/bin/python3";
const php = process.env.PHP ?? "/usr/bin/php";

/** How to run a sample, by its file extension, and a command that fails if a program or package is missing. */
const interpreters = {
  sh: { run: ["bash", "-euo", "pipefail"], check: ["bash", "-c", "curl --version"], install: "curl" },
  ts: { run: ["node_modules/.bin/tsx"], check: ["node_modules/.bin/tsx", "--version"], install: "nodejs" },
  py: { run: [python], check: [python, "-c", "import requests"], install: "python3-requests" },
  php: { run: [php], check: [php, "-r", "curl_init();"], install: "php-cli php-curl" },
} as const;
type Ending = keyof typeof interpreters;
const endings = Object.keys(interpreters) as Ending[];

function runAll([program, ...args]: readonly string[], ...more: string[]): Promise<ProgramResult> {
  return runProgram(program as string, [...args, ...more]);
}

/** The state before a sample: a company with customers, including the one with `ID`. */
interface Company {
  partner: Partner;
  /** Newest first. */
  emails: string[];
  id: string;
}

/** The expected effect of a sample: its responses, and the state that it leaves behind. */
const outcomes: Record<
  OperationId,
  (ran: ProgramResult, seen: string[], company: Company, body: object) => unknown
> = {
  async listCustomers({ stdout }, seen, { emails }) {
    expect(seen).toEqual(["GET 200", "GET 200"]);
    const shown = [...stdout.matchAll(/[\w.]+@list\.example/g)].map(([email]) => email);
    expect(shown).toEqual(emails);
  },
  async getCustomer({ stdout }, seen, { emails }) {
    expect(seen).toEqual(["GET 200"]);
    expect(stdout).toContain(emails[0]);
  },
  async createCustomer({ stdout }, seen, { partner, emails }, body) {
    expect(seen).toEqual(["POST 201"]);
    const [created, ...others] = (await partner.send("GET", "/customers?limit=100")).body.data;
    const { email, ...fields } = body as { email: string };
    expect(created).toMatchObject({ email: email.toLowerCase(), ...fields });
    expect(stdout).toContain(created.id);
    expect(others).toHaveLength(emails.length);
  },
  async updateCustomer({ stdout }, seen, { partner, id }, body) {
    expect(seen.at(-1)).toBe("PATCH 200");
    expect(stdout).toContain(id);
    const { data } = (await partner.send("GET", `/customers/${id}`)).body;
    expect(data).toMatchObject({ name: "Corner", ...body });
  },
};

const samples = Object.values<Part>(contract.paths)
  .flatMap((path) => Object.values<Part>(path))
  .filter(({ operationId }) => operationId)
  .flatMap((operation) =>
    listSamples(contract, operation).map((sample) => {
      const { operationId, language, example } = sample;
      const examples = operation.requestBody?.content["application/json"].examples ?? {};
      const file = [operationId, example, language].filter(Boolean).join(".");
      return [file, sample, examples[example ?? ""]?.value] as const;
    }),
  );

describe("samples", () => {
  /** A folder like a partner's, with the client installed, and the samples. */
  const folder = temporaryFolder();
  beforeAll(() => {
    installClient(folder.path);
    for (const [file, { source }] of samples) writeFileSync(join(folder.path, file), source);
    writeFileSync(join(folder.path, "package.json"), '{ "type": "module" }');
    return folder.remove;
  });

  it.for(endings)("samples: interpreter of .%s files → installed", async (ending) => {
    const { check, install } = interpreters[ending];
    const ended = await runAll(check).catch((error) => ({ code: 1, stderr: String(error) }));
    expect(
      ended.code,
      `${check.join(" ")} failed. On Debian, as root: apt-get update && apt-get install -y ${install}; ` +
        `or say where they are, by PYTHON=... and PHP=...\n${ended.stderr}`,
    ).toBe(0);
  });

  it.for(samples)(
    "samples: %s, run twice → its responses",
    async ([file, { operationId, language }, body]) => {
      const server = await startServer();
      onTestFinished(() => server.stop());
      const partner = await server.partner();
      // The list samples read two pages: of two customers in the shell, otherwise of the maximum size.
      const count = operationId !== "listCustomers" ? 1 : language === "sh" ? 4 : 101;
      const emails = Array.from({ length: count }, (_, index) => `buyer.${index}@list.example`);
      let id = "";
      for (const email of emails) {
        const created = await partner.send("POST", "/customers", { email, name: "Corner", notes: "Old." });
        id = created.body.data.id;
      }
      emails.reverse();
      const seen: string[] = [];
      const url = await serveChecked(server.url, ({ method, status }) => seen.push(`${method} ${status}`));
      const [program, ...args] = interpreters[language].run;
      const environment = { API: `${url}/api/v1`, KEY: partner.key, ID: id };
      for (const _run of ["first", "second"]) {
        seen.length = 0;
        const ran = await runProgram(program, [...args, join(folder.path, file)], environment);
        expect(ran.code, ran.stdout + ran.stderr).toBe(0);
        await outcomes[operationId as OperationId](ran, seen, { partner, emails, id }, body);
      }
    },
  );
});

/** The introduction's code blocks of a language, in one of its sections. */
function listBlocks(section: string, language: string): string[] {
  const { description } = contract.info;
  const text = description
    .slice(description.indexOf(`## ${section}\n`))
    .slice(3)
    .split("\n## ")[0];
  const blocks = [...text.matchAll(/^```(\w+)\n(.*?)^```$/gms)];
  return blocks.filter(([, found]) => found === language).map(([, , code]) => code as string);
}

it("introduction: its curl commands with a sandbox key → the responses it shows", async () => {
  const sandbox = await spawnServer({}, "dist/server/sandbox/main.js");
  const seen: string[] = [];
  const bodies: unknown[] = [];
  const url = await serveChecked(sandbox.url, ({ method, status, body }) => {
    seen.push(`${method} ${status}`);
    bodies.push(JSON.parse(body));
  });
  const script = listBlocks("Get started", "bash").join("\n").replace("http://127.0.0.1:3000", url);
  const ended = await runProgram("bash", ["-euo", "pipefail", "-c", script]);
  expect(ended.code, ended.stderr).toBe(0);
  expect(seen).toEqual(["POST 201", "GET 200", "GET 200", "PATCH 200"]);
  // The third only keeps the ID.
  const shown = listBlocks("Get started", "json").map((block) => JSON.parse(block));
  const mask = (value: unknown) =>
    JSON.parse(JSON.stringify(value), (key, part) =>
      ["id", "createdAt", "updatedAt"].includes(key) ? key : part,
    );
  expect(mask([bodies[0], bodies[1], bodies[3]])).toEqual(mask(shown));
});

it("introduction: table of error messages → every message of the contract", () => {
  const { description } = JSON.parse(readFileSync("generated/openapi.json", "utf8")).info;
  const messages = [...JSON.stringify(contract).matchAll(/"error":"((?:[^"\\]|\\.)*)"/g)].map(
    ([, message]) => message,
  );
  expect(new Set(messages).size).toBeGreaterThan(30);
  for (const message of new Set(messages)) expect(description).toContain(`| \`${message}\` |`);
});

it("introduction: table of error messages → by status, each with its remedy", () => {
  const { info, ...rest } = JSON.parse(readFileSync("generated/openapi.json", "utf8"));
  const table = info.description.slice(info.description.indexOf("| Status and `error` |")).split("\n\n")[0];
  const rows = [...table.matchAll(/^\| (?:\*\*(\d{3}) [^*]+\*\*|`[^`]+`) \| (.+) \|$/gm)];
  const remedies = rows.flatMap(([, status, text]) => (status ? [[status, text]] : []));
  expect(remedies).toEqual(Object.entries(rest["x-remedies"]));
  expect(remedies.length).toBeGreaterThan(10);
});
