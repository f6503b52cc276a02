/** server/deploy/kubernetes.yaml and alerts.yaml, and the version of the image. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { describe, expect, it } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { createMetrics } from "../../server/metrics.ts";
import { variables } from "../../server/variables.ts";
import { runProgram } from "../support/processes.ts";

const text = readFileSync("server/deploy/kubernetes.yaml", "utf8");
const { version } = JSON.parse(readFileSync("package.json", "utf8"));

/** The module with the types of each kind. */
const modules: Record<string, string> = {
  Deployment: "kubernetes-types/apps/v1",
  Service: "kubernetes-types/core/v1",
  PodDisruptionBudget: "kubernetes-types/policy/v1",
};

// biome-ignore lint/suspicious/noExplicitAny: parsed documents
function parseManifests(yaml: string): any[] {
  return parseAllDocuments(yaml, { merge: true }).map((document) => document.toJS());
}

/** Compiles manifests as literals of Kubernetes' types, in which every field must be known. Returns the errors. */
function findTypeErrors(yaml: string): string[] {
  const code = parseManifests(yaml)
    .map((manifest, index) => {
      const { kind } = manifest;
      return `export const _${index}: import("${modules[kind]}").${kind} = ${JSON.stringify(manifest)};\n`;
    })
    .join("");
  const name = join(import.meta.dirname, "manifests.ts");
  const options = {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    types: [],
  };
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists } = host;
  host.fileExists = (file) => file === name || fileExists(file);
  host.getSourceFile = (file, ...others) =>
    file === name ? ts.createSourceFile(file, code, ts.ScriptTarget.ES2023) : getSourceFile(file, ...others);
  const program = ts.createProgram([name], options, host);
  return ts
    .getPreEmitDiagnostics(program)
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"));
}

describe("kubernetes.yaml", () => {
  const [deployment, service, budget] = parseManifests(text);
  const pod = deployment.spec.template.spec;
  const [container] = pod.containers;

  it("kubernetes.yaml: types of Kubernetes → conforms, a misspelled field does not", () => {
    expect(findTypeErrors(text)).toEqual([]);
    expect(findTypeErrors(text.replace("readOnlyRootFilesystem", "readOnlyRootFileSystem"))).toHaveLength(1);
    expect(findTypeErrors(text.replace("replicas: 2", 'replicas: "2"'))).toHaveLength(1);
  });

  it("kubernetes.yaml: labels and ports → service and budget select the pods", () => {
    const { labels } = deployment.spec.template.metadata;
    for (const selector of [deployment.spec.selector, budget.spec.selector])
      expect(selector.matchLabels).toEqual(labels);
    expect(service.spec.selector).toEqual(labels);
    const ports = container.ports.map(({ name }: { name: string }) => name);
    expect(ports).toContain(service.spec.ports[0].targetPort);
    for (const probe of ["startupProbe", "livenessProbe", "readinessProbe"])
      expect(ports).toContain(container[probe].httpGet.port);
  });

  it("kubernetes.yaml: environment → variables of the server, valid values, no secret", () => {
    for (const { name, value } of container.env)
      expect(variables[name as keyof typeof variables]?.parse(value), name).toBeDefined();
    const [secret] = container.volumeMounts;
    expect(container.env[0]).toEqual({
      name: "DATABASE_URL_FILE",
      value: `${secret.mountPath}/database-url`,
    });
  });

  it("kubernetes.yaml: security → no root, capability or writable root file system", () => {
    expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: 1000 });
    expect(readFileSync("Dockerfile", "utf8")).toContain("\nUSER 1000:1000\n");
    expect(container.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    });
  });

  it("kubernetes.yaml: grace period → longer than preStop and the server's stop", () => {
    const preStop = Number(container.lifecycle.preStop.exec.command[1]);
    expect(pod.terminationGracePeriodSeconds).toBeGreaterThan(preStop + 11);
  });

  it("image: version in Dockerfile and kubernetes.yaml → that of the package", () => {
    expect(readFileSync("Dockerfile", "utf8")).toContain(`opencontainers.image.version="${version}"`);
    expect(container.image).toBe(`distribu-customers-api:${version}`);
  });
});

describe("alerts.yaml", () => {
  const file = "server/deploy/alerts.yaml";

  it.each([
    ["check rules", file],
    ["test rules", "test/deploy/alerts.promtool.yaml"],
  ])("alerts.yaml: promtool %s → success", async (command, checked) => {
    const { code, stdout, stderr } = await runProgram("promtool", [...command.split(" "), checked]);
    expect(code, stdout + stderr).toBe(0);
  });

  it("alerts.yaml: metrics → served by the server", () => {
    const [group] = parse(readFileSync(file, "utf8")).groups;
    const registered = createMetrics({ droppedLines: () => 0, diskFile: file })
      .register.getMetricsAsArray()
      .map(({ name }) => name);
    // Only on PostgreSQL.
    const known = new Set([...registered, "database_connections"]);
    for (const { alert, expr } of group.rules) {
      const [name = ""] =
        /\b\w+_\w+(?=[{[)\s])/.exec(expr.replace(/histogram_quantile|min_over_time/, "")) ?? [];
      expect(known, alert).toContain(name.replace(/_bucket$/, ""));
    }
  });
});
