/** The samples of the documentation, each run unchanged. */
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { contract, operations } from "../../server/contract.ts";
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

/** The state before a sample: a company with customers, of which `ID` is one. */
interface Company {
  partner: Partner;
  /** Newest first. */
  emails: string[];
  id: string;
}

/** The expected effect of a sample: its responses, and the state that it leaves behind. */
const outcomes: Record<OperationId, (ran: ProgramResult, seen: string[], company: Company) => unknown> = {
  async listCustomers({ stdout }, seen, { emails }) {
    expect(seen).toEqual(["GET 200", "GET 200"]);
    const shown = [...stdout.matchAll(/[\w.]+@list\.example/g)].map(([email]) => email);
    expect(shown).toEqual(emails);
  },
  async getCustomer({ stdout }, seen, { emails }) {
    expect(seen).toEqual(["GET 200"]);
    expect(stdout).toContain(emails[0]);
  },
  async createCustomer({ stdout }, seen, { partner }) {
    expect(seen).toEqual(["POST 201"]);
    const [created] = (await partner.send("GET", "/customers?limit=1")).body.data;
    expect(created).toMatchObject({
      email: "kitchen@gasthaus.example",
      name: "Gasthaus zur Linde",
      creditLimit: 5000,
    });
    expect(stdout).toContain(created.id);
  },
  async updateCustomer({ stdout }, seen, { partner, id }) {
    expect(seen.at(-1)).toBe("PATCH 200");
    expect(stdout).toContain("7500.5");
    const { data } = (await partner.send("GET", `/customers/${id}`)).body;
    expect(data).toMatchObject({ creditLimit: 7500.5, notes: null, name: "Corner" });
  },
};

const samples = operations.flatMap(({ operationId }) =>
  endings.map((ending) => [`${operationId}.${ending}`, operationId, ending] as const),
);

describe("samples", () => {
  /** A folder like a partner's, with the client installed, and the samples. */
  const folder = temporaryFolder();
  beforeAll(() => {
    installClient(folder.path);
    cpSync("openapi/samples", join(folder.path, "samples"), { recursive: true });
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
    "samples: %s → the requests and output of its operation",
    async ([file, operationId, ending]) => {
      const server = await startServer();
      onTestFinished(() => server.stop());
      const partner = await server.partner();
      // The list samples read two pages: of two customers in the shell, else of the largest size.
      const count = operationId !== "listCustomers" ? 1 : ending === "sh" ? 4 : 101;
      const emails = Array.from({ length: count }, (_, index) => `buyer.${index}@list.example`);
      let id = "";
      for (const email of emails) {
        const created = await partner.send("POST", "/customers", { email, name: "Corner", notes: "Old." });
        id = created.body.data.id;
      }
      const seen: string[] = [];
      const url = await serveChecked(server.url, ({ method, status }) => seen.push(`${method} ${status}`));
      const [program, ...args] = interpreters[ending].run;
      const ran = await runProgram(program, [...args, join(folder.path, "samples", file)], {
        API: `${url}/api/v1`,
        KEY: partner.key,
        ID: id,
      });
      expect(ran.code, ran.stdout + ran.stderr).toBe(0);
      await outcomes[operationId](ran, seen, { partner, emails: emails.reverse(), id });
    },
  );
});

it("introduction: its curls with a sandbox key → create, read and update", async () => {
  const sandbox = await spawnServer({}, "dist/server/sandbox/main.js");
  const seen: string[] = [];
  const url = await serveChecked(sandbox.url, ({ method, status }) => seen.push(`${method} ${status}`));
  const blocks = [...contract.info.description.matchAll(/^```bash\n(.*?)^```$/gms)].map(([, code]) => code);
  expect(blocks.length).toBeGreaterThanOrEqual(4);
  const script = blocks.join("\n").replace("http://127.0.0.1:3000", url);
  const ended = await runProgram("bash", ["-euo", "pipefail", "-c", script]);
  expect(ended.code, ended.stderr).toBe(0);
  expect(seen).toEqual(["POST 201", "GET 200", "GET 200", "PATCH 200"]);
  expect(ended.stdout).toContain('"name":"My first customer"');
  expect(ended.stdout).toContain('"creditLimit":5000');
});

it("introduction: table of error messages → every message of the contract", () => {
  const { description } = JSON.parse(readFileSync("generated/openapi.json", "utf8")).info;
  const messages = [...JSON.stringify(contract).matchAll(/"error":"((?:[^"\\]|\\.)*)"/g)].map(
    ([, message]) => message,
  );
  expect(new Set(messages).size).toBeGreaterThan(30);
  for (const message of new Set(messages)) expect(description).toContain(`| \`${message}\` |`);
});
